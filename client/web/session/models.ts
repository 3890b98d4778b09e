// The models for prediction: those that the study has made and this browser fetched, each under the
// round that it really comes from; and a round's after this clinic's own training.
import { z } from 'zod';
import { utf8 } from '../../../common/crypto/bytes.js';
import { BlobRef, RoundNumber } from '../../../common/protocol/primitives.js';
import type { StudyModels } from '../../../common/protocol/study-models.js';
import type { Enrolment } from '../../participation/enrolment.js';
import type { Trained } from '../../participation/journal.js';
import type { Store } from '../../participation/store.js';
import { isOver, keptModel, toldModels } from '../../participation/study-models.js';
import type { PredictionModel, TrainingJob } from '../training/messages.js';

/** The last round that this browser trained in, and what it started from. */
const Trainings = z.strictObject({
  round: RoundNumber,
  start: BlobRef,
  base: BlobRef,
  trainFrom: z.string(),
});
const RECORD = 'models/trained.json';
const OWN = 'models/own';

/** Keeps what the round starts from. What was trained in an earlier one is now useless. */
export async function rememberBase(store: Store, { terms }: TrainingJob): Promise<void> {
  const { round, start, base, training } = terms;
  const before = await lastTraining(store);
  if (before?.base.sha256 !== base.sha256) await store.remove(OWN);
  const record = { round, start, base, trainFrom: training.trainFrom };
  await store.write(RECORD, utf8(JSON.stringify(record)));
}

export async function rememberOwn(store: Store, { delta }: Trained): Promise<void> {
  await store.write(OWN, new Uint8Array(delta.buffer, delta.byteOffset, delta.byteLength));
}

async function lastTraining(store: Store): Promise<z.infer<typeof Trainings> | undefined> {
  const bytes = await store.read(RECORD);
  return bytes && Trainings.parse(JSON.parse(new TextDecoder().decode(bytes)));
}

/** A model that is here to predict with. */
export interface UsableModel {
  /**
   * best: validation chose it; last: the last round's; base: what the clinic's round started from;
   * own: the same after this clinic's training.
   */
  readonly kind: 'best' | 'last' | 'base' | 'own';
  /**
   * The round that made it, 0 for the starting model; of `own` the round that it was trained in.
   * Undefined where the coordinator hasn't said which round a base comes from.
   */
  readonly round: number | undefined;
  /** The round that starts from it; only of a base. */
  readonly startOf?: number;
  /** The coordinator's evaluation of exactly this model, if there is one. */
  readonly heldout?: StudyModels['models'][number]['heldout'];
  readonly validation?: number | null;
  readonly load: () => Promise<PredictionModel | undefined>;
}

/** What is told of a study's models, and which of them can be used here, the first by default. */
export async function usableModels(
  store: Store,
  enrolment: Enrolment,
): Promise<{ readonly told: StudyModels | undefined; readonly models: readonly UsableModel[] }> {
  const told = await toldModels({ store, enrolment });
  const models: UsableModel[] = [];
  if (told && isOver(told.status)) {
    for (const kind of ['best', 'last'] as const) {
      const made = told.models.find(({ round }) => round === told[kind]);
      if (!made || !(await keptModel(store, told, made))) continue;
      const { round, heldout, validation } = made;
      models.push({ kind, round, heldout, validation, load: loader(store, told, made.parameters) });
    }
  }
  const trained = await lastTraining(store);
  if (!trained || !(await keptModel(store, trained, { parameters: trained.base })))
    return { told, models };
  if (models.length === 0) {
    // By its hash: what a round starts from is what another round ended in.
    const made = told?.models.find(({ parameters }) => parameters.sha256 === trained.base.sha256);
    models.push({
      kind: 'base',
      round: made?.round,
      startOf: trained.round,
      ...(made && { heldout: made.heldout, validation: made.validation }),
      load: loader(store, trained, trained.base),
    });
  }
  if (await store.read(OWN))
    models.push({
      kind: 'own',
      round: trained.round,
      load: loader(store, trained, trained.base, true),
    });
  return { told, models };
}

const loader =
  (
    store: Store,
    from: Pick<StudyModels, 'start' | 'trainFrom'>,
    parameters: BlobRef,
    own = false,
  ): UsableModel['load'] =>
  async () => {
    const bytes = await keptModel(store, from, { parameters });
    const delta = own ? await store.read(OWN) : undefined;
    return (
      bytes && {
        start: bytes.start,
        parameters: {
          trainFrom: from.trainFrom,
          base: bytes.parameters,
          ...(delta && { delta: new Float32Array(delta.buffer) }),
        },
      }
    );
  };
