// The models that a clinic's study has made: what the coordinator says of them, kept as it was
// signed; and their parameters, fetched by their hash when the study is over.
import { fromBase64 } from '../../common/crypto/base64.js';
import { utf8 } from '../../common/crypto/bytes.js';
import { openSigned } from '../../common/crypto/signed.js';
import { TAGS } from '../../common/crypto/signature.js';
import { LentigoError } from '../../common/errors.js';
import { type BlobRef } from '../../common/protocol/primitives.js';
import { Signed, type StudyStatus } from '../../common/protocol/round.js';
import { type MadeModel, StudyModels } from '../../common/protocol/study-models.js';
import type { Connection } from './connection.js';
import { download, keptBlob } from './download.js';
import type { Enrolment } from './enrolment.js';
import type { Bytes, Store } from './store.js';

const FILE = 'models/told.json';

/** Which of the study's models: the one that validation chose, or the last round's. */
export type Which = 'best' | 'last';

/** A study that makes no more rounds. */
export const isOver = (status: StudyStatus): boolean =>
  status === 'completed' || status === 'stopped';

interface Home {
  readonly enrolment: Enrolment;
  readonly store: Store;
}

/**
 * Asks the coordinator, and keeps the answer as it was signed.
 * @throws LENTIGO_CHALLENGE_FAILED when it isn't signed with the study's key, or is of another
 *   study; LENTIGO_MESSAGE_INVALID; the signal's reason when aborted
 */
export async function askModels(
  connection: Pick<Connection, 'request'>,
  { enrolment, store }: Home,
  signal: AbortSignal,
): Promise<StudyModels> {
  const signed = await connection.request('models', {}, signal);
  const models = openModels(signed, enrolment);
  await store.write(FILE, utf8(JSON.stringify(signed)));
  return models;
}

/**
 * What the coordinator said last; undefined if it was never asked.
 * @throws LENTIGO_HOME_INVALID when that is damaged
 */
export async function toldModels({ enrolment, store }: Home): Promise<StudyModels | undefined> {
  const bytes = await store.read(FILE);
  if (!bytes) return undefined;
  try {
    return openModels(Signed.parse(JSON.parse(new TextDecoder().decode(bytes))), enrolment);
  } catch (cause) {
    throw new LentigoError('LENTIGO_HOME_INVALID', `${FILE} is damaged.`, { cause });
  }
}

function openModels(signed: Signed, { study, key }: Enrolment): StudyModels {
  const models = openSigned(TAGS.models, StudyModels, signed, fromBase64(key));
  if (models.study !== study)
    throw new LentigoError(
      'LENTIGO_CHALLENGE_FAILED',
      `The models of study ${models.study} came; this clinic is in study ${study}.`,
    );
  return models;
}

/** The best or the last; undefined while the study has none. */
export const madeModel = (told: StudyModels, which: Which): MadeModel | undefined =>
  told.models.find(({ round }) => round === told[which]);

/**
 * Fetches the best and the last, and what both begin with; what is here already isn't fetched again.
 * @throws what `download` throws
 */
export async function fetchModels(
  told: StudyModels,
  { enrolment, store }: Home,
  signal: AbortSignal,
): Promise<void> {
  const blobs: BlobRef[] = [told.start];
  for (const which of ['best', 'last'] as const) {
    const made = madeModel(told, which);
    if (made) blobs.push(made.parameters);
  }
  for (const blob of blobs)
    await download(enrolment.url, blob, store, { signal, onProgress: () => undefined });
}

/**
 * The bytes of a model that was fetched: the whole starting model, and the parameters that replace
 * its own; undefined if any is not here.
 */
export async function keptModel(
  store: Store,
  { start }: Pick<StudyModels, 'start'>,
  { parameters }: Pick<MadeModel, 'parameters'>,
): Promise<{ readonly start: Bytes; readonly parameters: Bytes } | undefined> {
  const [whole, replaced] = [await keptBlob(store, start), await keptBlob(store, parameters)];
  return whole && replaced && { start: whole, parameters: replaced };
}
