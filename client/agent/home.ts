// A clinic's home: its identity (which never leaves it), what it was enrolled in, its journal and its models. One study, one agent at a time.
import { chmod, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { fromBase64, toBase64 } from '../../common/crypto/base64.js';
import { utf8 } from '../../common/crypto/bytes.js';
import { createIdentity, identityFrom, type Identity } from '../../common/crypto/identity.js';
import { LentigoError } from '../../common/errors.js';
import { makeFolder } from '../../common/files/durable.node.js';
import { Id } from '../../common/protocol/primitives.js';
import { Enrolment } from '../participation/enrolment.js';
import { FileStore } from './files.js';

const IDENTITY = 'identity.json';
const ENROLMENT = 'enrolment.json';
const IdentityFile = z.strictObject({ study: Id, secretKey: z.string() });

export interface Home {
  readonly folder: string;
  readonly identity: Identity;
  readonly enrolment: Enrolment;
  readonly store: FileStore;
  /** What its owner should know, in one sentence each. */
  readonly warnings: readonly string[];
}

/** @throws LENTIGO_HOME_INVALID when a file is missing or damaged. */
export async function openHome(folder: string): Promise<Home> {
  const store = new FileStore(folder);
  const kept = await readIdentity(folder, store);
  const enrolment = await readEnrolment(folder, store);
  if (!kept) throw new LentigoError('LENTIGO_HOME_INVALID', `${folder} holds no ${IDENTITY}.`);
  if (!enrolment) throw new LentigoError('LENTIGO_HOME_INVALID', `${folder} holds no ${ENROLMENT}: the enrolment was not completed.`);
  if (kept.study !== enrolment.study) throw new LentigoError('LENTIGO_HOME_INVALID', `${folder}: ${IDENTITY} and ${ENROLMENT} are of different studies.`);
  return { folder, identity: kept.identity, enrolment, store, warnings: await exposure(folder) };
}

/**
 * The identity that this home has, or now gets, for a study; it is on disk before it is returned. And its enrolment, where it has one.
 * @throws LENTIGO_INVITATION_OTHER_STUDY when the home belongs to another study; LENTIGO_HOME_INVALID when a file is damaged.
 */
export async function prepareHome(folder: string, study: string): Promise<{ identity: Identity; enrolment: Enrolment | undefined; store: FileStore }> {
  await makeFolder(folder);
  const store = new FileStore(folder);
  const kept = await readIdentity(folder, store);
  if (kept && kept.study !== study) throw new LentigoError('LENTIGO_INVITATION_OTHER_STUDY', `${folder} is the home of study ${kept.study}; the invitation is of study ${study}.`);
  if (kept) return { identity: kept.identity, enrolment: await readEnrolment(folder, store), store };
  await chmod(folder, 0o700);
  const identity = createIdentity();
  await store.write(IDENTITY, json({ study, secretKey: toBase64(identity.secretKey) }));
  return { identity, enrolment: undefined, store };
}

export async function saveEnrolment(store: FileStore, enrolment: Enrolment): Promise<void> {
  await store.write(ENROLMENT, json(enrolment));
}

const json = (value: unknown): Uint8Array => utf8(`${JSON.stringify(value, null, 2)}\n`);

async function readIdentity(folder: string, store: FileStore): Promise<{ study: string; identity: Identity } | undefined> {
  const file = await readJson(folder, store, IDENTITY, IdentityFile);
  if (!file) return undefined;
  try {
    return { study: file.study, identity: identityFrom(fromBase64(file.secretKey)) };
  } catch (cause) {
    throw damaged(folder, IDENTITY, cause);
  }
}

const readEnrolment = (folder: string, store: FileStore): Promise<Enrolment | undefined> => readJson(folder, store, ENROLMENT, Enrolment);

async function readJson<T extends z.ZodType>(folder: string, store: FileStore, name: string, schema: T): Promise<z.infer<T> | undefined> {
  const bytes = await store.read(name);
  if (!bytes) return undefined;
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw damaged(folder, name, cause);
  }
}

const damaged = (folder: string, name: string, cause: unknown) => new LentigoError('LENTIGO_HOME_INVALID', `${join(folder, name)} is damaged.`, { cause });

async function exposure(folder: string): Promise<string[]> {
  const { mode } = await stat(join(folder, IDENTITY));
  return (mode & 0o077) === 0 ? [] : [`${join(folder, IDENTITY)} can be read by others on this machine: chmod 600 it.`];
}
