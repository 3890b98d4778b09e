// `lentigo/coordinator`: a coordinator inside a program, and the console's API of one that runs
// elsewhere.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import { z } from 'zod';
import { ConsoleClient } from '../coordinator/console-client.js';
import { LentigoError } from '../common/errors.js';
import { encodeModel } from '../common/model/encoding.js';
import { loadModel } from '../common/model/folder.node.js';
import type { Model } from '../common/model/student.js';
import { StudyConfig } from '../common/protocol/study.js';
import {
  type Coordinator as RunningCoordinator,
  type CoordinatorOptions as RunningOptions,
  startCoordinator as start,
} from '../coordinator/main.js';
import type { StrategyChoice } from './simulate.js';

export { ConsoleClient } from '../coordinator/console-client.js';
export type { CreateStudy, StudyAction, StudyView } from '../common/protocol/console.js';
export { parseStudyYaml, StudyConfig } from '../common/protocol/study.js';

export interface CoordinatorOptions extends Omit<RunningOptions, 'host' | 'port' | 'log'> {
  /** Address to listen on; 127.0.0.1 by default. Beyond this machine only with TLS. */
  readonly host?: string;
  /** By default a free one. */
  readonly port?: number;
  /** By default nothing is logged. */
  readonly log?: Logger;
}

/** The settings of study.yaml under the same names; the model may be an object. */
export interface StudySettings extends Omit<z.input<typeof StudyConfig>, 'model' | 'strategy'> {
  /** How the clinics' deltas become the next model; `fedavg` by default. */
  readonly strategy?: StrategyChoice;
  /** What round 1 starts from: a model or its folder. */
  readonly model: string | Model;
}

export interface Coordinator extends RunningCoordinator {
  /** What a study coordinator can do with it, with the admin token of its data directory. */
  readonly console: ConsoleClient;
  /**
   * Creates a study; it waits for clinics, and for `console.act(id, 'start')`.
   * @returns its id
   * @throws LENTIGO_STUDY_INVALID naming the setting; what loadModel throws
   */
  createStudy(settings: StudySettings): Promise<string>;
}

/**
 * Starts a coordinator in this process: studies, rounds, the database, the pages for console and
 * clinics. It keeps everything in `dataDir`, and carries on from there at the next start.
 * @example
 * const coordinator = await startCoordinator({ dataDir: 'study-data' });
 * const study = await coordinator.createStudy({
 *   name: 'Pilot', model: 'models/start', rounds: 3, evaluation: { data: '/data/pad-ufes-20' },
 * });
 * const { invitation } = await coordinator.console.invite(study, 'Clinic North', 24);
 * // … once the clinic is enrolled, and its fingerprint compared by telephone:
 * await coordinator.console.decide(study, clinic, 'approve');
 * await coordinator.console.act(study, 'start');
 * // … in the end:
 * await coordinator.close();
 * @throws LENTIGO_INSECURE, LENTIGO_TLS, LENTIGO_PORT_TAKEN, LENTIGO_DATA_DIR_IN_USE,
 *   LENTIGO_DATABASE
 */
export async function startCoordinator({
  host = '127.0.0.1',
  port = 0,
  log = pino({ level: 'silent' }),
  ...options
}: CoordinatorOptions): Promise<Coordinator> {
  const running = await start({ host, port, log, ...options });
  const token = await readFile(join(running.dataDir, 'admin-token'), 'utf8');
  const console = new ConsoleClient(running.url, token.trim());
  return { ...running, console, createStudy: (settings) => createStudy(console, settings) };
}

/**
 * Creates a study at a coordinator that runs elsewhere.
 * @param console made with the coordinator's address and admin token
 * @returns the study's id
 * @throws LENTIGO_STUDY_INVALID naming the setting; LENTIGO_UNREACHABLE; what loadModel throws
 */
export async function createStudy(
  console: ConsoleClient,
  { model, ...settings }: StudySettings,
): Promise<string> {
  const config = StudyConfig.safeParse({
    ...settings,
    model: typeof model === 'string' ? model : model.architecture,
  });
  if (!config.success)
    throw new LentigoError('LENTIGO_STUDY_INVALID', z.prettifyError(config.error));
  const loaded = typeof model === 'string' ? await loadModel(model) : model;
  const start = await console.uploadModel(encodeModel(loaded));
  return (await console.createStudy({ config: config.data, start })).id;
}
