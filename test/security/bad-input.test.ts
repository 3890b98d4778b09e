// Bad input of every kind, where it enters: refused with its code and a remedy, and nothing
// half-done remains.
import {
  copyFile,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { enrolHome } from '../../client/agent/home.js';
import { runAgent } from '../../client/agent/run.js';
import type { AgentEvent } from '../../client/agent/display.js';
import { createTrainer } from '../../client/participation/train-round.js';
import { openDataset } from '../../common/dataset/open.node.js';
import { useEngine } from '../../common/engine/engine.node.js';
import { FolderFeatureCache } from '../../common/training/feature-cache.node.js';
import { evaluateCommand } from '../../commands/evaluate.js';
import { trainableSpecs } from '../../common/model/architecture.js';
import { encodeModel, encodeParameters } from '../../common/model/encoding.js';
import { loadModel, saveModel } from '../../common/model/folder.node.js';
import { type LabelSet, PAD_UFES_LABELS } from '../../common/model/labels.js';
import { decodeSafetensors, encodeSafetensors } from '../../common/model/safetensors.js';
import { initialParameters, type Model } from '../../common/model/student.js';
import { parseInvitation } from '../../common/protocol/enrolment.js';
import { StudyConfig } from '../../common/protocol/study.js';
import type { RoundTerms } from '../../common/protocol/terms.js';
import { Random } from '../../common/random.js';
import { openDatabase } from '../../coordinator/storage/database.js';
import { studyCommand } from '../../commands/study.js';
import { startServer, whyNoServer } from '../coordinator/storage/databases.js';
import {
  createStudy,
  nano,
  runCoordinator,
  studyUntil,
  temporaryFolder,
  type TestCoordinator,
} from '../support/coordinator.js';
import { createUpload, Member, patchUpload, sha256 } from '../support/member.js';
import { lentigo } from '../support/processes.js';
import { writeStudy } from '../support/study-files.js';
import { writePhotographs } from './photographs.js';

let coordinator: TestCoordinator;
let folder: string;
beforeAll(async () => {
  await useEngine('wasm');
  [coordinator, folder] = [await runCoordinator(), await temporaryFolder()];
});
afterAll(async () => {
  await coordinator.close();
  await rm(folder, { recursive: true });
});

const members: Member[] = [];
afterEach(() => members.splice(0).forEach((m) => m.close()));
const joined = async (study: string, name: string): Promise<Member> => {
  const member = await Member.approved(coordinator.admin, study, name);
  members.push(member);
  await member.join();
  return member;
};
const refusal = (code: string, message: RegExp) =>
  expect.objectContaining({
    code,
    message: expect.stringMatching(message) as string,
    remedy: expect.stringMatching(/\w{3}/) as string,
  }) as Error;
const studies = async () => (await coordinator.admin.studies()).map((s) => s.id);
const modelOf = (labels: LabelSet, architecture: Model['architecture'] = 'nano'): Model => ({
  architecture,
  labels,
  parameters: initialParameters(architecture, labels, new Random(1)),
});

describe('a patient on both sides of a split', () => {
  let leaking: string;
  beforeAll(async () => {
    leaking = join(folder, 'leaking');
    // Two photographs per patient, all in the training split.
    await writePhotographs(leaking, 6);
    const [header, ...rows] = (await readFile(join(leaking, 'metadata.csv'), 'utf8'))
      .trim()
      .split('\n');
    await writeFile(
      join(leaking, 'metadata.csv'),
      [
        header,
        ...rows.map((row, i) => (i === 1 ? row.replace(/train$/, 'heldout') : row)),
        '',
      ].join('\n'),
    );
  });
  const named = refusal(
    'LENTIGO_DATA_SPLIT_LEAK',
    /metadata\.csv: 1 patient is in .*PAT-Wojciechowska-0/,
  );

  it('is refused when a study is created with it, and no study is', async () => {
    const before = await studies();
    const start = await coordinator.admin.uploadModel(encodeModel(nano()));
    await expect(
      coordinator.admin.createStudy({
        config: StudyConfig.parse({
          name: 'Leak',
          model: 'nano',
          training: { trainFrom: 'classifier' },
          evaluation: { data: leaking },
        }),
        start,
      }),
    ).rejects.toEqual(named);
    expect(await studies()).toEqual(before);
  });
  it('is refused by an agent before it calls the coordinator, and by an evaluation', async () => {
    const study = await createStudy(coordinator.admin);
    const home = join(folder, 'home-leak');
    await enrolHome(
      parseInvitation((await coordinator.admin.invite(study, 'Leaky', 1)).invitation),
      home,
      'Leaky',
    );
    const events: AgentEvent[] = [];
    await expect(
      runAgent({
        home,
        data: leaking,
        engine: 'wasm',
        signal: AbortSignal.timeout(20_000),
        onEvent: (e) => events.push(e),
      }),
    ).rejects.toEqual(named);
    expect(events).toEqual([]);
    await saveModel(join(folder, 'nano'), nano());
    await expect(
      evaluateCommand().parseAsync(
        ['--model', join(folder, 'nano'), '--data', leaking, '--split', 'heldout'],
        { from: 'user' },
      ),
    ).rejects.toEqual(named);
  });
});

describe('an update larger than announced', () => {
  it('is refused with its code however it is sent, takes no more disk space than announced, and the right bytes are accepted afterwards', async () => {
    const study = await createStudy(coordinator.admin, {
      rounds: 1,
      cohort: { minimum: 1, quorum: 1 },
    });
    const clinic = await joined(study, 'Large');
    await coordinator.admin.act(study, 'start');
    const round = await clinic.round(1);
    const bytes = await clinic.seal(round);
    const ticket = await clinic.ticket(round, bytes);
    if (!ticket.ok) throw new Error(ticket.error.code);
    const endpoint = coordinator.url + ticket.value.path;
    const { token } = ticket.value;
    const larger = Buffer.concat([bytes, Buffer.alloc(100_000, 7)]);

    expect(await createUpload(endpoint, token, larger.length)).toMatchObject({
      status: 413,
      code: 'LENTIGO_UPLOAD_INVALID',
      body: { error: { remedy: expect.stringMatching(/ticket/) as string } },
    });
    const { location } = await createUpload(endpoint, token, bytes.length);
    const address = new URL(location!, endpoint).href;
    expect(await patchUpload(address, token, 0, larger)).toMatchObject({
      status: 413,
      code: 'LENTIGO_UPLOAD_INVALID',
    });
    // Without a length: chunked.
    const streamed = await new Promise<{ status: number | undefined; text: string }>(
      (resolve, reject) => {
        const request = http.request(
          address,
          {
            method: 'PATCH',
            headers: {
              'tus-resumable': '1.0.0',
              'upload-offset': '0',
              'content-type': 'application/offset+octet-stream',
              authorization: `Bearer ${token}`,
              'transfer-encoding': 'chunked',
            },
          },
          (response) => {
            let text = '';
            response.on('data', (chunk) => (text += String(chunk)));
            response.on('end', () => resolve({ status: response.statusCode, text }));
          },
        );
        request.on('error', reject);
        request.end(larger);
      },
    );
    expect(streamed).toMatchObject({
      status: 413,
      text: expect.stringContaining('LENTIGO_UPLOAD_INVALID') as string,
    });
    const uploads = join(coordinator.dataDir, 'uploads');
    for (const name of await readdir(uploads))
      expect((await stat(join(uploads, name))).size).toBeLessThanOrEqual(bytes.length);
    expect(await clinic.ticket(round, bytes, { bytes: 250_000_000 })).toMatchObject({
      ok: false,
      error: { code: 'LENTIGO_UPDATE_LENGTH' },
    });

    expect(await clinic.send(round, bytes)).toMatchObject({ ok: true });
    await studyUntil(coordinator.admin, study, (v) => v.status === 'completed');
  });
});

describe('a clinic that claims ten million samples', () => {
  it("is refused with its code, and the round counts the others' samples", async () => {
    const study = await createStudy(coordinator.admin, {
      rounds: 1,
      updates: { minSamples: 1, maxSamples: 100_000 },
    }); // the bounds that a study has by default
    const [honest, boasting] = [await joined(study, 'Honest'), await joined(study, 'Boasting')];
    await coordinator.admin.act(study, 'start');
    const round = await honest.round(1);
    const claim = async (samples: number) =>
      boasting.send(round, await boasting.seal(round, { claims: { samples } }));
    expect(await claim(10_000_000)).toMatchObject({
      ok: false,
      error: {
        code: 'LENTIGO_UPDATE_SAMPLES',
        message: expect.stringMatching(/10000000.*1.*100000/) as string,
        remedy: expect.stringMatching(/\w/) as string,
      },
    });
    expect(await claim(10_000_001)).toMatchObject({
      ok: false,
      error: { code: 'LENTIGO_UPDATE_MALFORMED' },
    }); // beyond what any study may allow
    expect(await claim(0)).toMatchObject({
      ok: false,
      error: { code: 'LENTIGO_UPDATE_MALFORMED' },
    });
    const { entries } = await coordinator.admin.audit(study);
    expect(
      entries
        .filter((e) => e.action === 'update-refused')
        .map((e) => [e.actor, (e.detail as { code: string }).code]),
    ).toEqual([
      [boasting.id, 'LENTIGO_UPDATE_SAMPLES'],
      [boasting.id, 'LENTIGO_UPDATE_MALFORMED'],
      [boasting.id, 'LENTIGO_UPDATE_MALFORMED'],
    ]);
    for (const member of [honest, boasting])
      expect(await member.send(round, await member.seal(round))).toMatchObject({ ok: true });
    const view = await studyUntil(coordinator.admin, study, (v) => v.status === 'completed');
    expect(view.rounds.at(-1)!.updates.map((u) => u.samples)).toEqual([12, 12]);
  });
});

describe.skipIf(whyNoServer() !== undefined)(
  `a database that a newer release migrated, on PostgreSQL${whyNoServer() ? ` (skipped: ${whyNoServer()})` : ''}`,
  () => {
    it('is refused by the coordinator, which names what it does not know, exits with code 5, and leaves it unchanged', async () => {
      const server = await startServer();
      const dataDir = await temporaryFolder();
      try {
        const database = await openDatabase({ url: server.url, dataDir });
        await database.pool.query(
          `INSERT INTO "_prisma_migrations" (id, checksum, migration_name, finished_at, applied_steps_count) VALUES ('x', 'y', '20991231000000_of_a_newer_release', now(), 1)`,
        );
        const tables = async (pool: typeof database.pool) =>
          (
            await pool.query<{ t: string }>(
              `SELECT string_agg(table_name || column_name, ',' ORDER BY table_name, column_name) AS t FROM information_schema.columns WHERE table_schema = 'public'`,
            )
          ).rows[0]!.t;
        const before = await tables(database.pool);
        await database.close();
        await expect(openDatabase({ url: server.url, dataDir })).rejects.toEqual(
          refusal('LENTIGO_DATA_DIR_NEWER', /20991231000000_of_a_newer_release/),
        );
        const { code, stderr } = await lentigo([
          'coordinator',
          '--port',
          '0',
          '--data-dir',
          dataDir,
          '--database-url',
          server.url,
        ]);
        expect([code, stderr]).toEqual([
          5,
          expect.stringMatching(
            /20991231000000_of_a_newer_release[^]*LENTIGO_DATA_DIR_NEWER: A newer Lentigo wrote this/,
          ),
        ]);
        const { Pool } = (await import('pg')).default;
        const pool = new Pool({ connectionString: server.url });
        expect(await tables(pool)).toBe(before);
        await pool.end();
        expect(await readdir(dataDir)).not.toContain('lock');
      } finally {
        await server.stop();
        await rm(dataDir, { recursive: true });
      }
    });
  },
);

describe('a truncated model', () => {
  it.each(['model.safetensors', 'model.json', 'weights-1-of-1.bin'])(
    'anywhere in %s is refused, the file named',
    async (file) => {
      const dir = join(folder, `cut-${file}`);
      await saveModel(dir, nano());
      // If it is there, it alone is read.
      if (file !== 'model.safetensors') await rm(join(dir, 'model.safetensors'));
      const path = join(dir, file);
      await copyFile(path, join(folder, 'whole'));
      const { size } = await stat(path);
      const random = new Random(`cut ${file}`);
      for (const length of [
        0,
        1,
        7,
        8,
        9,
        size - 1,
        ...Array.from({ length: 40 }, () => random.int(size)),
      ]) {
        await copyFile(join(folder, 'whole'), path);
        await truncate(path, length);
        await expect(loadModel(dir), `${length} of ${size} bytes`).rejects.toEqual(
          refusal('LENTIGO_MODEL_INVALID', new RegExp(file.replaceAll('.', '\\.'))),
        );
      }
      await copyFile(join(folder, 'whole'), path);
      expect((await loadModel(dir)).parameters.values).toEqual(nano().parameters.values);
    },
  );

  it('is refused for a study', async () => {
    const before = await studies();
    const dir = join(folder, 'study-cut');
    await mkdir(dir);
    const file = await writeStudy(dir);
    await truncate(join(dir, 'start', 'model.safetensors'), 5000);
    await expect(
      studyCommand().parseAsync(
        ['create', file, '--url', coordinator.url, '--token', coordinator.token],
        { from: 'user' },
      ),
    ).rejects.toEqual(
      refusal('LENTIGO_MODEL_INVALID', /model\.safetensors: .*cut short|model\.safetensors/),
    );
    await expect(coordinator.admin.uploadModel(encodeModel(nano()).slice(0, 5000))).rejects.toEqual(
      refusal('LENTIGO_WEIGHTS_INVALID', /./),
    );
    expect(await studies()).toEqual(before);
  });
});

describe('a model of another architecture or label set', () => {
  const CATS: LabelSet = { names: ['cat', 'dog'], malignant: ['dog'] };
  const PAIR: LabelSet = { names: ['MEL', 'NEV'], malignant: ['MEL'] };

  it('is refused for a study when it does not know the diagnoses of the evaluation data, has not the block that is to be trained, or is not what it says', async () => {
    const before = await studies();
    const create = async (model: Uint8Array<ArrayBuffer>, trainFrom = 'classifier') =>
      coordinator.admin.createStudy({
        config: StudyConfig.parse({
          name: 'Other',
          model: 'x',
          training: { trainFrom },
          evaluation: { data: join(folder, 'photographs') },
        }),
        start: await coordinator.admin.uploadModel(model),
      });
    await writePhotographs(join(folder, 'photographs'), 12);
    await expect(create(encodeModel(modelOf(CATS)))).rejects.toEqual(
      refusal(
        'LENTIGO_DATA_UNKNOWN_DIAGNOSIS',
        /no diagnosis of it is known\. It has "\w{3}" \(\d+\).*; known are cat, dog/,
      ),
    );
    await expect(create(encodeModel(nano()), 'features.8')).rejects.toEqual(
      refusal('LENTIGO_STUDY_INVALID', /trainFrom: nano has no block "features\.8"/),
    );
    const { metadata, tensors } = decodeSafetensors(encodeModel(nano()));
    await expect(
      create(
        encodeSafetensors({ metadata: { ...metadata, architecture: 'efficientnet_b0' }, tensors }),
      ),
    ).rejects.toEqual(refusal('LENTIGO_WEIGHTS_INVALID', /features|shape|missing/));
    await expect(
      create(
        encodeSafetensors({ metadata: { ...metadata, labels: JSON.stringify(CATS) }, tensors }),
      ),
    ).rejects.toEqual(refusal('LENTIGO_WEIGHTS_INVALID', /classifier/));
    await expect(create(encodeParameters(nano().parameters))).rejects.toEqual(
      refusal('LENTIGO_WEIGHTS_INVALID', /architecture/),
    );
    expect(await studies()).toEqual(before);
  });

  it('is not trained by a clinic to which another one was announced', async () => {
    const { samples } = await openDataset('synthetic:site=1&images=6&size=64&split=train');
    const train = createTrainer(samples, () => FolderFeatureCache.open(join(folder, 'features')));
    const { training, updates } = StudyConfig.parse({
      name: 'x',
      model: 'x',
      training: { trainFrom: 'classifier', epochs: 1 },
      updates: { minSamples: 1, maxSamples: 10 },
      evaluation: { data: 'x' },
    });
    const baseOf = ({ architecture, labels, parameters }: Model) =>
      encodeParameters(
        parameters.subset(
          new Set(
            trainableSpecs(architecture, labels.names.length, 'classifier').map((s) => s.name),
          ),
        ),
      );
    const announced = {
      training,
      updates,
      clientPart: null,
      architecture: 'nano',
      labels: PAD_UFES_LABELS,
      round: 3,
      seed: 1,
      start: { sha256: '0'.repeat(64), bytes: 1 },
    } as RoundTerms;
    const run = (start: Uint8Array<ArrayBuffer>, base: Uint8Array<ArrayBuffer>) =>
      train(
        { terms: announced, clinic: 'c', start, base },
        { signal: new AbortController().signal, onProgress: () => undefined },
      );
    const [right, others] = [
      nano(),
      [
        modelOf(PAIR),
        modelOf(CATS),
        modelOf({ ...PAD_UFES_LABELS, malignant: ['NEV'] }),
        modelOf({
          names: PAD_UFES_LABELS.names.toReversed(),
          malignant: PAD_UFES_LABELS.malignant,
        }),
      ],
    ];
    for (const other of others)
      await expect(run(encodeModel(other), baseOf(right))).rejects.toEqual(
        refusal(
          'LENTIGO_WEIGHTS_INVALID',
          /Round 3: the starting model is not the one that was announced/,
        ),
      );
    await expect(run(encodeModel(right), baseOf(modelOf(PAIR)))).rejects.toEqual(
      refusal('LENTIGO_WEIGHTS_INVALID', /classifier\.1/),
    );
    await expect(run(encodeModel(right), encodeModel(right))).rejects.toEqual(
      refusal('LENTIGO_WEIGHTS_INVALID', /unexpected parameter/),
    );
    expect((await run(encodeModel(right), baseOf(right))).samples).toBe(6);
  });

  it('is not evaluated on diagnoses that it does not know', async () => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      await writePhotographs(join(folder, 'six'), 6);
      await saveModel(join(folder, 'cats'), modelOf(CATS));
      await expect(
        evaluateCommand().parseAsync(
          ['--model', join(folder, 'cats'), '--data', join(folder, 'six'), '--split', 'train'],
          { from: 'user' },
        ),
      ).rejects.toEqual(
        refusal(
          'LENTIGO_DATA_UNKNOWN_DIAGNOSIS',
          /metadata\.csv: no diagnosis of it is known.* known are cat, dog/,
        ),
      );
      expect(write.mock.calls.map(([text]) => String(text)).join('')).toBe('');
    } finally {
      write.mockRestore();
    }
  });

  it('is not trained by the agent of a clinic whose diagnoses the study does not know: the agent says so before it connects', async () => {
    const start = await coordinator.admin.uploadModel(encodeModel(modelOf(PAIR)));
    const config = StudyConfig.parse({
      name: 'Pair',
      model: 'x',
      rounds: 1,
      training: { trainFrom: 'classifier', epochs: 1, variants: 1 },
      cohort: { minimum: 1, quorum: 1, deadlineSeconds: 600 },
      evaluation: { data: 'synthetic:site=1&images=24&seed=9&size=64' },
    });
    const { id } = await coordinator.admin.createStudy({ config, start });
    const home = join(folder, 'home-pair');
    const { enrolment } = await enrolHome(
      parseInvitation((await coordinator.admin.invite(id, 'Six', 1)).invitation),
      home,
      'Six',
    );
    await coordinator.admin.decide(id, enrolment.clinic, 'approve');
    await coordinator.admin.act(id, 'start');
    await writePhotographs(join(folder, 'seven'), 7);
    const table = join(folder, 'seven', 'metadata.csv');
    await writeFile(table, (await readFile(table, 'utf8')).replaceAll(/MEL|NEV/g, 'ACK'));
    const events: AgentEvent[] = [];
    await expect(
      runAgent({
        home,
        data: join(folder, 'seven'),
        engine: 'wasm',
        signal: new AbortController().signal,
        onEvent: (e) => events.push(e),
      }),
    ).rejects.toEqual(
      refusal(
        'LENTIGO_DATA_UNKNOWN_DIAGNOSIS',
        /no diagnosis of it is known\. It has "ACK" .* known are MEL, NEV/,
      ),
    );
    expect(events).toEqual([]);
    expect((await coordinator.admin.study(id)).rounds.flatMap(({ updates }) => updates)).toEqual(
      [],
    );
    expect(sha256(encodeModel(modelOf(PAIR)))).toBe(start.sha256);
  });
});
