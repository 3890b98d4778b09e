// A study whose model distinguishes benign from malignant: a clinic with PAD-UFES-20's six
// diagnoses takes part, and the commands that read models work with it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runAgent } from '../../client/agent/run.js';
import { enrolHome } from '../../client/agent/home.js';
import type { AgentEvent } from '../../client/agent/display.js';
import { evaluateCommand, predictCommand } from '../../commands/evaluate.js';
import { encodeModel } from '../../common/model/encoding.js';
import { saveModel } from '../../common/model/folder.node.js';
import { BINARY_LABELS, HAM10000_LABELS, type LabelSet } from '../../common/model/labels.js';
import { parseInvitation } from '../../common/protocol/enrolment.js';
import { StudyConfig } from '../../common/protocol/study.js';
import { writePhotographs } from '../security/photographs.js';
import {
  EVALUATION_DATA,
  nano,
  runCoordinator,
  studyUntil,
  type TestCoordinator,
} from '../support/coordinator.js';

let folder: string;
let coordinator: TestCoordinator;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lentigo-labels-'));
  coordinator = await runCoordinator();
  await writePhotographs(join(folder, 'photographs'), 12);
});
afterAll(async () => {
  await coordinator.close();
  await rm(folder, { recursive: true });
});

async function takePart(
  name: string,
  labels: LabelSet,
): Promise<{ events: AgentEvent[]; rounds: number; samples: number | undefined }> {
  const config = StudyConfig.parse({
    name,
    model: 'x',
    rounds: 1,
    training: { trainFrom: 'classifier', epochs: 1, variants: 1 },
    cohort: { minimum: 1, quorum: 1, deadlineSeconds: 600 },
    updates: { minSamples: 1 },
    evaluation: { data: EVALUATION_DATA },
  });
  const { id } = await coordinator.admin.createStudy({
    config,
    start: await coordinator.admin.uploadModel(encodeModel(nano(labels))),
  });
  const home = join(folder, name);
  const { enrolment } = await enrolHome(
    parseInvitation((await coordinator.admin.invite(id, name, 1)).invitation),
    home,
    name,
  );
  expect(enrolment.labels).toEqual(labels);
  await coordinator.admin.decide(id, enrolment.clinic, 'approve');
  await coordinator.admin.act(id, 'start');
  const events: AgentEvent[] = [];
  await runAgent({
    home,
    data: join(folder, 'photographs'),
    engine: 'wasm',
    signal: AbortSignal.timeout(120_000),
    onEvent: (event) => events.push(event),
  });
  const { rounds } = await studyUntil(
    coordinator.admin,
    id,
    ({ status }) => status === 'completed',
  );
  return {
    events,
    rounds: rounds.length,
    samples: events.flatMap((event) => (event.event === 'trained' ? [event.samples] : []))[0],
  };
}

describe('a clinic with the six diagnoses of PAD-UFES-20', () => {
  it('takes part in a study of benign against malignant with all its photographs', async () => {
    const { events, samples } = await takePart('Binary', BINARY_LABELS);
    expect(samples).toBe(12);
    expect(events.filter(({ event }) => event === 'warning' || event === 'error')).toEqual([]);
  });

  it("takes part in a study of HAM10000's classes without its squamous cell carcinomas, and is informed", async () => {
    const { events, samples } = await takePart('Seven', HAM10000_LABELS);
    expect(samples).toBe(10);
    expect(events.filter(({ event }) => event === 'warning')).toEqual([
      { event: 'warning', message: '2 images left out: SCC' },
      { event: 'warning', message: 'The study knows akiec, bcc, bkl, df, mel, nv, vasc.' },
    ]);
  });
});

describe.each([
  ['binary', BINARY_LABELS],
  ['ham10000', HAM10000_LABELS],
])('a %s model', (name, labels) => {
  it("can evaluate and predict with the study's labels", async () => {
    const model = join(folder, `model-${name}`);
    await saveModel(model, nano(labels));
    let printed = '';
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
    try {
      await evaluateCommand().parseAsync(
        ['--model', model, '--data', join(folder, 'photographs'), '--split', 'train', '--json'],
        { from: 'user' },
      );
      expect(Object.keys((JSON.parse(printed) as { perClass: object }).perClass)).toEqual(
        labels.names,
      );
      printed = '';
      await predictCommand().parseAsync(
        [
          '--model',
          model,
          join(
            folder,
            'photographs/imgs_part_vault9/imgs_part_vault9/Zurbriggen_0_1974-03-00_elbow.jpg',
          ),
          '--json',
        ],
        { from: 'user' },
      );
      expect(
        Object.keys(
          (JSON.parse(printed) as { predictions: { probabilities: object }[] }).predictions[0]!
            .probabilities,
        ),
      ).toEqual(labels.names);
    } finally {
      write.mockRestore();
    }
  });
});
