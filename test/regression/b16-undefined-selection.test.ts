// A metric that the validation images don't define chooses nothing: it is refused before anything is
// trained, and is never taken for 0.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metricsOf } from '../../common/evaluation/metrics.js';
import { requireDefined, selectionScore } from '../../common/federation/selection.js';
import { encodeModel } from '../../common/model/encoding.js';
import { saveModel } from '../../common/model/folder.node.js';
import { PAD_UFES_LABELS } from '../../common/model/labels.js';
import { StudyConfig } from '../../common/protocol/study.js';
import { curvesSvg } from '../../coordinator/distillation/curves.js';
import { SimulationConfig } from '../../simulations/config.js';
import { createWorld } from '../../simulations/world.js';
import {
  nano,
  runCoordinator,
  temporaryFolder,
  type TestCoordinator,
} from '../support/coordinator.js';

/** Two images of each split and diagnosis, each of its own patient, in PAD-UFES-20's layout. */
async function archive(folder: string, validation: readonly string[]): Promise<string> {
  const jpeg = await sharp({
    create: { width: 64, height: 64, channels: 3, background: '#b07060' },
  })
    .jpeg()
    .toBuffer();
  const rows = [
    ...validation.map((label) => [label, 'validation']),
    ...['NEV', 'MEL'].flatMap((label) => [
      [label, 'heldout'],
      [label, 'train'],
    ]),
  ];
  await mkdir(join(folder, 'images'), { recursive: true });
  for (const i of rows.keys()) await writeFile(join(folder, 'images', `IMG_${i}.jpg`), jpeg);
  await writeFile(
    join(folder, 'metadata.csv'),
    [
      'patient_id,img_id,diagnostic,fitspatrick,age,gender,split',
      ...rows.map(([label, split], i) => `P${i},IMG_${i}.jpg,${label},2.0,40,FEMALE,${split}`),
    ].join('\n'),
  );
  return folder;
}

let folder: string;
let coordinator: TestCoordinator;
beforeAll(async () => {
  folder = await temporaryFolder();
  coordinator = await runCoordinator();
  await saveModel(join(folder, 'nano'), nano());
});
afterAll(async () => {
  await coordinator.close();
  await rm(folder, { recursive: true });
});

const undefinedMetric = (message: RegExp) =>
  expect.objectContaining({
    code: 'LENTIGO_METRIC_UNDEFINED',
    message: expect.stringMatching(message) as string,
  }) as Error;

/** [the metric, the diagnoses of validation, what is missing] */
const CASES = [
  ['malignantAuc', ['NEV', 'ACK', 'SEK'], /no validation image is malignant \(BCC, MEL, SCC\)/],
  ['malignantAuc', ['MEL', 'BCC'], /every validation image is malignant, and none benign/],
  ['aucOvr', ['NEV', 'NEV'], /all validation images have one diagnosis/],
] as const;

describe('a metric that validation does not define', () => {
  it.each(CASES)(
    '%s on %j is refused by a coordinator and a simulation',
    async (select, labels, why) => {
      const data = await archive(join(folder, `${select}-${labels.join('-')}`), labels);
      const config = StudyConfig.parse({ name: 'x', model: 'x', evaluation: { data, select } });
      const training = { trainFrom: 'classifier' };
      const start = await coordinator.admin.uploadModel(encodeModel(nano()));
      const create = (select: string) =>
        coordinator.admin.createStudy({
          config: {
            ...config,
            training: { ...config.training, ...training },
            evaluation: { data, select },
          } as StudyConfig,
          start,
        });
      await expect(create(select)).rejects.toEqual(undefinedMetric(why));
      await expect(create('balancedAccuracy')).resolves.toMatchObject({
        id: expect.any(String) as string,
      });
      const simulation = SimulationConfig.parse({
        data,
        init: join(folder, 'nano'),
        clinics: 2,
        select,
        training,
      });
      await expect(createWorld(simulation)).rejects.toEqual(undefinedMetric(why));
    },
  );

  it('is one of malignancy where the model calls nothing malignant, or of no image at all', () => {
    const none = { names: ['a', 'b'], malignant: [] };
    expect(() => requireDefined('malignantAuc', ['a', 'b'], none, 'X')).toThrow(
      undefinedMetric(/names none of its diagnoses as malignant/),
    );
    expect(() => requireDefined('accuracy', [], none, 'X')).toThrow(
      undefinedMetric(/no validation image/),
    );
    expect(() => requireDefined('aucOvr', ['a', 'b'], none, 'X')).not.toThrow();
    expect(() => requireDefined('malignantRecall', ['NEV'], PAD_UFES_LABELS, 'X')).toThrow(
      undefinedMetric(/no validation image is malignant/),
    );
  });

  it('is the same as one that metrics leave undefined, and has no score', () => {
    const { names } = PAD_UFES_LABELS;
    for (const [select, labels] of CASES) {
      const metrics = metricsOf(
        {
          labels: labels.map((label) => names.indexOf(label)),
          probabilities: labels.map(() => [0.5, 0.1, 0.1, 0.1, 0.1, 0.1]),
        },
        PAD_UFES_LABELS,
      );
      expect(metrics[select]).toBeNull();
      expect(() => selectionScore(metrics, select)).toThrow(undefinedMetric(/is not defined/));
      // Every image is said to be the first diagnosis, ACK.
      expect(selectionScore(metrics, 'accuracy')).toBeCloseTo(
        labels.filter((label) => label === names[0]).length / labels.length,
      );
      // Nor is it drawn as 0: the panel of malignant AUC has no line.
      const svg = curvesSvg([
        {
          name: 'student',
          best: 1,
          history: [
            { epoch: 1, phase: 0, learningRate: 1, loss: 1, validation: metrics, seconds: 1 },
          ],
        },
      ]);
      expect(svg.match(/points=""/g)?.length ?? 0).toBe(metrics.malignantAuc === null ? 1 : 0);
    }
  });
});
