// The models for prediction: the study's model from the last round, and the same after this
// clinic's own training.
import { z } from 'zod';
import { utf8 } from '../../../common/crypto/bytes.js';
import { LabelSet } from '../../../common/model/labels.js';
import { RoundNumber, Sha256 } from '../../../common/protocol/primitives.js';
import type { Trained } from '../../participation/journal.js';
import type { Store } from '../../participation/store.js';
import type { PredictionModel, TrainingJob } from '../training/messages.js';

const Known = z.strictObject({
  round: RoundNumber,
  start: Sha256,
  base: Sha256,
  trainFrom: z.string(),
  labels: LabelSet,
});
export type KnownModel = z.infer<typeof Known>;
const RECORD = 'models/study.json';
const START = 'models/start';
const BASE = 'models/base';
const OWN = 'models/own';

/** Stores the round's model. A model trained locally from an earlier one is now useless. */
export async function rememberModel(
  store: Store,
  { terms, start, base }: TrainingJob,
): Promise<void> {
  const before = await knownModel(store);
  const known: KnownModel = {
    round: terms.round,
    start: terms.start.sha256,
    base: terms.base.sha256,
    trainFrom: terms.training.trainFrom,
    labels: terms.labels,
  };
  if (before?.start === known.start && before.base === known.base) return;
  await store.remove(RECORD);
  await store.remove(OWN);
  if (before?.start !== known.start) await store.write(START, start);
  await store.write(BASE, base);
  await store.write(RECORD, utf8(JSON.stringify(known)));
}

export async function rememberOwn(store: Store, { delta }: Trained): Promise<void> {
  await store.write(OWN, new Uint8Array(delta.buffer, delta.byteOffset, delta.byteLength));
}

export async function knownModel(store: Store): Promise<KnownModel | undefined> {
  const bytes = await store.read(RECORD);
  return bytes && Known.parse(JSON.parse(new TextDecoder().decode(bytes)));
}

export const hasOwn = async (store: Store): Promise<boolean> =>
  (await store.read(OWN)) !== undefined;

/** The bytes of a model; undefined until a round has brought one. */
export async function loadModel(
  store: Store,
  which: 'study' | 'own',
): Promise<PredictionModel | undefined> {
  const [known, start, base] = [
    await knownModel(store),
    await store.read(START),
    await store.read(BASE),
  ];
  if (!known || !start || !base) return undefined;
  const delta = which === 'own' ? await store.read(OWN) : undefined;
  return {
    start,
    parameters: {
      trainFrom: known.trainFrom,
      base,
      ...(delta && { delta: new Float32Array(delta.buffer) }),
    },
  };
}
