// Studies, rounds and clinics as the store takes them.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { metricsOf, type Metrics } from '../../../common/evaluation/metrics.js';
import { PAD_UFES_LABELS } from '../../../common/model/labels.js';
import { StudyConfig } from '../../../common/protocol/study.js';
import type { Signed } from '../../../common/protocol/round.js';
import type {
  AcceptedUpdate,
  Checkpoint,
  OpenRound,
  PlannedRound,
  StudyState,
} from '../../../coordinator/rounds/state.js';
import type { BlobRef } from '../../../common/protocol/primitives.js';
import type { NewStudy } from '../../../coordinator/rounds/records.js';
import type { Store } from '../../../coordinator/storage/store.js';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
export const aBlob = (): BlobRef => ({ sha256: sha256(randomUUID()), bytes: 1000 });

export const aCheckpoint = (): Checkpoint => ({ parameters: aBlob(), strategyState: aBlob() });

export function aStudy(): NewStudy {
  const start = aBlob();
  const state: StudyState = {
    id: uuidv7(),
    version: 0,
    config: StudyConfig.parse({
      name: 'Näevi, 日本',
      model: 'model',
      evaluation: { data: 'synthetic:1', patience: 3 },
    }),
    status: 'draft',
    reason: null,
    start,
    next: aCheckpoint(),
    completed: 0,
    best: null,
    sinceBest: 0,
    misses: 0,
    round: null,
  };
  return {
    state,
    publicKey: randomBytes(32).toString('base64'),
    architecture: 'nano',
    labels: PAD_UFES_LABELS,
  };
}

export const aRound = (from: Checkpoint): PlannedRound => ({
  number: 1,
  attempt: uuidv7(),
  phase: 'planned',
  from,
});

const someTerms = (): Signed => ({
  body: JSON.stringify({ attempt: randomUUID() }),
  signature: 'A'.repeat(86) + '==',
});

export const anOpenRound = (from: Checkpoint, changes: Partial<OpenRound> = {}): OpenRound => ({
  ...aRound(from),
  phase: 'open',
  cohort: [],
  roundKey: 'k',
  terms: someTerms(),
  quorum: 1,
  openedAt: 0,
  deadlineAt: 60_000,
  updates: [],
  declines: [],
  ...changes,
});

export const anUpdate = (clinic: string): AcceptedUpdate => ({
  clinic,
  sha256: sha256(randomUUID()),
  bytes: 4242,
  samples: 37,
  norm: 0.1 + 0.2,
});

/** A clinic id and key that no other test uses. */
export function aClinic(): { clinicId: string; key: string; name: string } {
  const key = randomBytes(32);
  return {
    clinicId: createHash('sha256').update(key).digest('hex').slice(0, 32),
    key: key.toString('base64'),
    name: 'Praxis Dr. Ärmel',
  };
}

/** Stores a running study. */
export async function runningStudy(store: Store): Promise<StudyState> {
  const study = aStudy();
  await store.createStudy(study, [{ actor: 'admin', action: 'study-created' }]);
  return { ...study.state, status: 'running' };
}

/** Invites and enrols a clinic. @returns its id. */
export async function enrolled(store: Store, study: string): Promise<string> {
  const secretHash = sha256(randomUUID());
  await store.invite(
    study,
    { clinicName: 'Praxis', secretHash, expiresAt: Date.now() + 60_000 },
    'admin',
  );
  return (await store.enrol(study, { secretHash, ...aClinic() })).id;
}

/**
 * Metrics of two made-up predictions, both of benign lesions: what concerns the malignant is null.
 */
export function someMetrics(): Metrics {
  const probabilities = [
    [0.7, 0.1, 0.1, 0.05, 0.03, 0.02],
    [0.1, 0.5, 0.2, 0.1, 0.05, 0.05],
  ];
  return metricsOf(
    { probabilities, labels: [0, 3], patients: ['p1', 'p2'], fitzpatrick: [2, undefined] },
    PAD_UFES_LABELS,
  );
}
