// A clinic's own records in its store: the identity, which never leaves it, and its enrolment. One
// study per store.
import { z } from 'zod';
import { fromBase64, toBase64 } from '../../common/crypto/base64.js';
import { utf8 } from '../../common/crypto/bytes.js';
import { createIdentity, identityFrom, type Identity } from '../../common/crypto/identity.js';
import { asLentigoError, LentigoError } from '../../common/errors.js';
import type { Invitation } from '../../common/protocol/enrolment.js';
import { Id } from '../../common/protocol/primitives.js';
import { enrol, Enrolment } from './enrolment.js';
import type { Store } from './store.js';

export const IDENTITY = 'identity.json';
const ENROLMENT = 'enrolment.json';
const IdentityFile = z.strictObject({ study: Id, secretKey: z.string() });

/**
 * Reads the identity and the enrolment.
 * @param where what error messages call the store
 * @throws LENTIGO_HOME_INVALID when there is none, or one of its files is damaged
 */
export async function readHome(
  store: Store,
  where: string,
): Promise<{ identity: Identity; enrolment: Enrolment }> {
  const kept = await readIdentity(store, where);
  const enrolment = await readEnrolment(store, where);
  if (!kept) throw new LentigoError('LENTIGO_HOME_INVALID', `${where} holds no ${IDENTITY}.`);
  if (!enrolment)
    throw new LentigoError(
      'LENTIGO_HOME_INVALID',
      `${where} holds no ${ENROLMENT}: the enrolment was not completed.`,
    );
  if (kept.study !== enrolment.study)
    throw new LentigoError(
      'LENTIGO_HOME_INVALID',
      `${where}: ${IDENTITY} and ${ENROLMENT} are of different studies.`,
    );
  return { identity: kept.identity, enrolment };
}

/**
 * Returns this store's identity for a study, creating it if needed; it is stored before it is
 * returned.
 * @throws LENTIGO_INVITATION_OTHER_STUDY when the store belongs to another study;
 *   LENTIGO_HOME_INVALID when a file is damaged
 */
export async function prepareIdentity(
  store: Store,
  study: string,
  where: string,
): Promise<Identity> {
  const kept = await readIdentity(store, where);
  if (kept && kept.study !== study)
    throw new LentigoError(
      'LENTIGO_INVITATION_OTHER_STUDY',
      `${where} is the home of study ${kept.study}; the invitation is of study ${study}.`,
    );
  if (kept) return kept.identity;
  const identity = createIdentity();
  await store.write(IDENTITY, json({ study, secretKey: toBase64(identity.secretKey) }));
  return identity;
}

/**
 * Enrols the clinic whose home this store is. The identity is stored before anything is sent, so
 * that the request can be repeated if the answer was lost.
 * @throws LENTIGO_INVITATION_OTHER_STUDY, and what `enrol` throws
 */
export async function enrolStore(
  store: Store,
  invitation: Invitation,
  name: string,
  where: string,
): Promise<{ enrolment: Enrolment; approved: boolean }> {
  const identity = await prepareIdentity(store, invitation.study, where);
  const before = await readEnrolment(store, where);
  if (before && before.key !== invitation.key) {
    throw new LentigoError(
      'LENTIGO_INVITATION_OTHER_STUDY',
      `${where} pins another key for study ${invitation.study} than the invitation: ${before.key}, not ${invitation.key}.`,
    );
  }
  try {
    const { enrolment, state } = await enrol(invitation, identity, name);
    await store.write(ENROLMENT, json(enrolment));
    return { enrolment, approved: state === 'approved' };
  } catch (error) {
    if (before && asLentigoError(error).code === 'LENTIGO_INVITATION_USED')
      return { enrolment: before, approved: false };
    throw error;
  }
}

const json = (value: unknown): Uint8Array => utf8(`${JSON.stringify(value, null, 2)}\n`);

async function readIdentity(
  store: Store,
  where: string,
): Promise<{ study: string; identity: Identity } | undefined> {
  const file = await readJson(store, where, IDENTITY, IdentityFile);
  if (!file) return undefined;
  try {
    return { study: file.study, identity: identityFrom(fromBase64(file.secretKey)) };
  } catch (cause) {
    throw damaged(where, IDENTITY, cause);
  }
}

const readEnrolment = (store: Store, where: string): Promise<Enrolment | undefined> =>
  readJson(store, where, ENROLMENT, Enrolment);

async function readJson<T extends z.ZodType>(
  store: Store,
  where: string,
  name: string,
  schema: T,
): Promise<z.infer<T> | undefined> {
  const bytes = await store.read(name);
  if (!bytes) return undefined;
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw damaged(where, name, cause);
  }
}

const damaged = (where: string, name: string, cause: unknown) =>
  new LentigoError('LENTIGO_HOME_INVALID', `${where}/${name} is damaged.`, { cause });
