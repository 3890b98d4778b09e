// A coordinator in this process on a temporary data directory, its admin client, and small studies
// on it.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { encodeModel } from '../../common/model/encoding.js';
import { type LabelSet, PAD_UFES_LABELS } from '../../common/model/labels.js';
import { initialParameters, type Model } from '../../common/model/student.js';
import type { StudyView } from '../../common/protocol/console.js';
import { StudyConfig } from '../../common/protocol/study.js';
import { Random } from '../../common/random.js';
import { ConsoleClient } from '../../coordinator/console-client.js';
import {
  type Coordinator,
  type CoordinatorOptions,
  startCoordinator,
} from '../../coordinator/main.js';
import { openDatabase } from '../../coordinator/storage/database.js';
import { Keys } from '../../coordinator/storage/keys.js';
import { packagedMigrations } from '../../coordinator/storage/migrate.js';

// Child processes and evaluation workers start faster with it than with the native engine.
process.env['LENTIGO_ENGINE'] ??= 'wasm';

/** Enough for both splits of the coordinator's own data, and quick to evaluate. */
export const EVALUATION_DATA = 'synthetic:site=1&images=24&seed=9&size=64';

export const nano = (labels: LabelSet = PAD_UFES_LABELS): Model => ({
  architecture: 'nano',
  labels,
  parameters: initialParameters('nano', labels, new Random(1)),
});

/** A temporary folder; the caller removes it. */
export const temporaryFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'lentigo-test-'));

/**
 * A data directory whose embedded database is made and migrated already: a copy of a template,
 * which takes a tenth of the time.
 */
export async function dataDirectory(): Promise<string> {
  const dataDir = await temporaryFolder();
  await cp(join(await template(), 'database'), join(dataDir, 'database'), { recursive: true });
  return dataDir;
}

/** Kept between runs, named by the migrations that it has. */
async function template(): Promise<string> {
  const version = createHash('sha256')
    .update(
      packagedMigrations()
        .map((m) => m.checksum)
        .join(),
    )
    .digest('hex')
    .slice(0, 16);
  const folder = join(tmpdir(), `lentigo-test-database-${version}`);
  if (existsSync(folder)) return folder;
  const fresh = await temporaryFolder();
  const database = await openDatabase({ dataDir: fresh });
  await database.close();
  // Two test processes may make it at once: the first one's stays.
  await rename(fresh, folder).catch(() => rm(fresh, { recursive: true }));
  return folder;
}

export interface TestCoordinator {
  readonly url: string;
  readonly dataDir: string;
  readonly admin: ConsoleClient;
  readonly token: string;
  /** Ends it as SIGTERM would; the data directory stays. */
  stop(): Promise<void>;
  /** Ends it and removes the data directory. */
  close(): Promise<void>;
}

export async function runCoordinator(
  dataDir?: string,
  port = 0,
  options: Partial<CoordinatorOptions> = {},
): Promise<TestCoordinator> {
  const folder = dataDir ?? (await dataDirectory());
  const coordinator: Coordinator = await startCoordinator({
    dataDir: folder,
    host: '127.0.0.1',
    port,
    log: pino({ level: 'silent' }),
    ...options,
  });
  const token = await new Keys(folder).adminToken();
  return {
    url: coordinator.url,
    dataDir: folder,
    token,
    admin: new ConsoleClient(coordinator.url, token),
    stop: () => coordinator.close(),
    async close() {
      await coordinator.close();
      await rm(folder, { recursive: true });
    },
  };
}

export interface StudyChanges {
  readonly labels?: LabelSet;
  readonly data?: string;
  readonly rounds?: number;
  readonly training?: Partial<StudyConfig['training']>;
  readonly cohort?: Partial<StudyConfig['cohort']>;
  readonly updates?: Partial<StudyConfig['updates']>;
}

/** A draft whose updates are tiny: only nano's classifier is trained. @returns the study's id */
export async function createStudy(
  admin: ConsoleClient,
  { labels, data = EVALUATION_DATA, rounds = 2, training, cohort, updates }: StudyChanges = {},
): Promise<string> {
  const config = StudyConfig.parse({
    name: 'Test study',
    model: 'nano',
    rounds,
    training: { trainFrom: 'classifier', epochs: 1, batchSize: 4, variants: 1, ...training },
    cohort: { minimum: 2, quorum: 2, deadlineSeconds: 600, ...cohort },
    updates: { encoding: 'float32', maxNorm: 10, minSamples: 5, maxSamples: 50, ...updates },
    evaluation: { data },
  });
  const { id } = await admin.createStudy({
    config,
    start: await admin.uploadModel(encodeModel(nano(labels))),
  });
  return id;
}

/** Looks at a study until it is as wanted. */
export async function studyUntil(
  admin: ConsoleClient,
  id: string,
  wanted: (view: StudyView) => boolean,
  seconds = 60,
): Promise<StudyView> {
  for (const end = Date.now() + seconds * 1000; ; await sleep(100)) {
    const view = await admin.study(id);
    if (wanted(view)) return view;
    if (Date.now() > end)
      throw new Error(
        `after ${seconds} s the study is ${view.status} (${view.reason ?? ''}), its round ${JSON.stringify(view.round)}`,
      );
  }
}
