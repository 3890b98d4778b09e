// The model of a study that is given out: the best or the last round's, whole, with its provenance.
import type { z } from 'zod';
import { LentigoError } from '../../common/errors.js';
import { trainableSpecs } from '../../common/model/architecture.js';
import { decodeModel, decodeParameters, encodeModel } from '../../common/model/encoding.js';
import { dataAfter, DataUsed, type Provenance } from '../../common/model/provenance.js';
import type { Model } from '../../common/model/student.js';
import { VERSION } from '../../common/version.js';
import type { StudyState } from '../rounds/state.js';
import type { Blobs } from '../storage/blobs.js';
import type { Store } from '../storage/store.js';

interface Parts {
  readonly store: Store;
  readonly blobs: Blobs;
}

/**
 * The whole model as safetensors.
 * @throws LENTIGO_STUDY_STATE when no round has closed
 */
export async function releasedModel(
  { store, blobs }: Parts,
  state: StudyState,
  which: 'best' | 'last',
): Promise<Uint8Array<ArrayBuffer>> {
  const closed = (await store.rounds(state.id)).filter((r) => r.phase === 'closed');
  const round =
    which === 'best' ? closed.find((r) => r.number === state.best?.round) : closed.at(-1);
  const result = which === 'best' ? state.best?.result.parameters : round?.result;
  if (!result)
    throw new LentigoError('LENTIGO_STUDY_STATE', `Study ${state.id} has no ${which} model yet.`);
  const start = decodeModel(await blobs.read(state.start.sha256));
  const trained = decodeParameters(
    await blobs.read(result.sha256),
    trainableSpecs(start.architecture, start.labels.names.length, state.config.training.trainFrom),
  );
  return encodeModel({
    ...start,
    parameters: start.parameters.with(trained),
    provenance: await provenanceOf(store, state, start, which, {
      number: round?.number ?? 0,
      closedAt: round?.closedAt ?? Date.now(),
    }),
  });
}

async function provenanceOf(
  store: Store,
  state: StudyState,
  start: Model,
  which: 'best' | 'last',
  round: { readonly number: number; readonly closedAt: number },
): Promise<Provenance> {
  const { id, config, completed } = state;
  const { name, rounds, seed, strategy, training, updates, evaluation } = config;
  const [created] = await store.auditPart(id, { after: 0, limit: 1 });
  const [last] = await store.auditPart(id, { limit: 1 });
  const clinics = (await store.clinics(id)).filter((clinic) => clinic.state === 'approved').length;
  return {
    kind: 'study',
    software: VERSION,
    made: new Date(round.closedAt).toISOString(),
    chosen:
      which === 'best'
        ? `the best by validation (${evaluation.select}), round ${round.number} of ${completed}`
        : `the last, round ${round.number} of ${completed}`,
    study: { id, name },
    round: round.number,
    start: state.start.sha256,
    settings: { rounds, clinics, seed, strategy, training, updates, select: evaluation.select },
    data: dataAfter(start, evaluationData(created?.detail)),
    ...(last && { audit: { entries: last.seq, head: last.hash } }),
  };
}

/** As the chain's first entry keeps it. */
function evaluationData(detail: unknown): z.infer<typeof DataUsed>[] {
  const used = DataUsed.safeParse((detail as { evaluation?: unknown } | undefined)?.evaluation);
  return used.success ? [used.data] : [];
}
