// A small round of training that a browser and Node both run, to compare what they compute.
import type { TrainingJob } from '../../../../client/web/training/messages.js';
import type { Dataset } from '../../../../common/dataset/sample.js';
import { syntheticDataset } from '../../../../common/dataset/synthetic.js';
import { trainableSpecs } from '../../../../common/model/architecture.js';
import { encodeModel, encodeParameters } from '../../../../common/model/encoding.js';
import { PAD_UFES_LABELS } from '../../../../common/model/labels.js';
import { initialParameters } from '../../../../common/model/student.js';
import { TrainingPlan, UpdateSettings } from '../../../../common/protocol/study.js';
import { PROTOCOL } from '../../../../common/protocol/primitives.js';
import { Random } from '../../../../common/random.js';

const ID = '0198c0de-0000-7000-8000-000000000001';
const SHA = 'ab'.repeat(32);

export const dataset = (): Dataset =>
  syntheticDataset({ seed: 3, sites: [1], images: 10, size: 96, split: 'train' });

/** @param trainFrom a block of `nano` */
export function trainingJob(trainFrom: string): TrainingJob {
  const model = {
    architecture: 'nano',
    labels: PAD_UFES_LABELS,
    parameters: initialParameters('nano', PAD_UFES_LABELS, new Random(1)),
  } as const;
  const start = encodeModel(model);
  const base = encodeParameters(
    model.parameters.subset(new Set(trainableSpecs('nano', 6, trainFrom).map((s) => s.name))),
  );
  return {
    clinic: SHA,
    start,
    base,
    terms: {
      protocol: PROTOCOL,
      study: ID,
      round: 1,
      attempt: ID,
      roundKey: 'AAAA',
      architecture: 'nano',
      labels: PAD_UFES_LABELS,
      start: { sha256: SHA, bytes: start.length },
      base: { sha256: SHA, bytes: base.length },
      training: TrainingPlan.parse({ trainFrom, batchSize: 8, variants: 2, learningRate: 1e-3 }),
      updates: UpdateSettings.parse({ encoding: 'float32', maxSamples: 1000 }),
      clientPart: null,
      seed: 7,
      cohort: [SHA],
    },
  };
}
