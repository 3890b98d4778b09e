// The terms of a round: what is the same for all clinics of its cohort, immutable and signed once.
// What differs by clinic or moment is sent beside them.
import { z } from 'zod';
import { NamedStrategy } from '../federation/strategies/index.js';
import { LabelSet } from '../model/labels.js';
import { extensible } from './extensible.js';
import { BlobRef, ClinicId, Id, PublicKey, RoundNumber } from './primitives.js';
import { RegistryName } from '../registry.js';
import { NamedUpdateSettings, TrainingPlan } from './study.js';

export const RoundTerms = extensible({
  protocol: z.int(),
  study: Id,
  round: RoundNumber,
  /**
   * Identifies this attempt at the round: a round that missed its quorum is repeated under another.
   */
  attempt: Id,
  /**
   * X25519 key for which this attempt's updates are sealed; its private half is deleted when the
   * round closes.
   */
  roundKey: PublicKey,
  architecture: RegistryName,
  labels: LabelSet,
  /** The starting model, a blob that never changes: it provides the frozen parameters. */
  start: BlobRef,
  /** The trainable parameters from which this round starts; updates name it as their base. */
  base: BlobRef,
  /** The study's settings, whole. */
  training: TrainingPlan,
  updates: NamedUpdateSettings,
  /** The strategy whose client part a clinic runs; null if the clinic only trains by its plan. */
  clientPart: NamedStrategy.nullable(),
  seed: z.int().min(0).max(0xffffffff),
  cohort: z.array(ClinicId).min(1).max(100_000),
});
export type RoundTerms = z.infer<typeof RoundTerms>;
