// What a study tells its clinics about the models that it has made: which round is best and which is
// last, and what the coordinator's own evaluation of them found.
import { z } from 'zod';
import { Metrics } from '../evaluation/metrics.js';
import { extensible } from './extensible.js';
import { BlobRef, Id } from './primitives.js';
import { StudyStatus } from './round.js';
import { SelectionMetric } from './study.js';

/** A round that ended in a model; round 0 is the starting model. */
const EndedRound = z.int().min(0).max(100_000);

/** What a round ended in. */
const MadeModel = extensible({
  round: EndedRound,
  /** The trainable parameters; all others are the starting model's. */
  parameters: BlobRef,
  /** What `select` was on the coordinator's validation patients. */
  validation: z.number().nullable(),
  /** The recorded evaluation on the coordinator's held-out patients. */
  heldout: Metrics,
});
export type MadeModel = z.infer<typeof MadeModel>;

/** clinic → coordinator, event `models`: asks which models the study has made. */
export const ModelsRequest = z.strictObject({});

/** The content of the signed answer. */
export const StudyModels = extensible({
  study: Id,
  status: StudyStatus,
  start: BlobRef,
  trainFrom: z.string().max(200),
  /** The metric by which validation chooses the best round. */
  select: SelectionMetric,
  /** Null before the starting model was evaluated. */
  best: EndedRound.nullable(),
  last: EndedRound.nullable(),
  /** The best, the last, and the one before the last; by round. */
  models: z.array(MadeModel).max(3),
});
export type StudyModels = z.infer<typeof StudyModels>;
