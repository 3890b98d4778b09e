// Real sealed updates on disk, for the tests of aggregation.
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { toBase64 } from '../../../common/crypto/base64.js';
import { sealUpdate, type UpdateClaims } from '../../../common/crypto/envelope.js';
import {
  clinicIdOf,
  createIdentity,
  createRoundKey,
  type Identity,
} from '../../../common/crypto/identity.js';
import { Random } from '../../../common/random.js';
import { encodings } from '../../../common/update/encoding.js';
import type { ParameterSpec } from '../../../common/update/parameter-set.js';
import type { SealedUpdate } from '../../../coordinator/aggregation/aggregate.js';

export const SPECS: readonly ParameterSpec[] = [
  { name: 'features.8.0.weight', shape: [1, 1, 40, 60] },
  { name: 'features.8.1.weight', shape: [60] },
  { name: 'classifier.1.weight', shape: [60, 6] },
  { name: 'classifier.1.bias', shape: [6] },
];
export const COUNT = 40 * 60 + 60 + 60 * 6 + 6;
export const ROUND_KEY = createRoundKey();
export const STUDY = '0198c0de-0000-7000-8000-000000000001';
export const ATTEMPT = '0198c0de-0000-7000-8000-000000000003';

export const folder = await mkdtemp(join(tmpdir(), 'lentigo-'));
afterAll(() => rm(folder, { recursive: true }));

export interface Clinic {
  readonly id: string;
  readonly key: string;
  readonly identity: Identity;
}
export async function createClinic(): Promise<Clinic> {
  const identity = createIdentity();
  return { id: await clinicIdOf(identity.publicKey), key: toBase64(identity.publicKey), identity };
}

export const claimsOf = (clinic: Clinic, change: Partial<UpdateClaims> = {}): UpdateClaims => ({
  study: STUDY,
  round: 3,
  attempt: ATTEMPT,
  clinic: clinic.id,
  base: 'ab'.repeat(32),
  encoding: 'int8',
  samples: 120,
  ...change,
});

let files = 0;
export async function writeFresh(bytes: Uint8Array): Promise<string> {
  const path = join(folder, `file-${++files}`);
  await writeFile(path, bytes);
  return path;
}

/** Seals a payload as the clinic would, and writes it. */
export async function writeSealed(
  clinic: Clinic,
  payload: Uint8Array,
  change: Partial<UpdateClaims> = {},
): Promise<string> {
  return await writeFresh(
    await sealUpdate({
      header: claimsOf(clinic, change),
      payload,
      roundKey: toBase64(ROUND_KEY.publicKey),
      identity: clinic.identity,
    }),
  );
}

export function normals(count: number, seed: string | number, deviation = 0.01): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: count }, () => random.normal(0, deviation));
}

/** An accepted update of this delta. */
export async function submit(
  delta: Float32Array,
  samples: number,
  encoding: 'int8' | 'float32',
): Promise<SealedUpdate> {
  const clinic = await createClinic();
  const path = await writeSealed(
    clinic,
    encodings.get(encoding).encode(delta, new Random(samples)),
    {
      samples,
      encoding,
    },
  );
  return { clinic: clinic.id, path, samples, clinicKey: clinic.key };
}

export const sha256 = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');
export const refusedAs = (code: string) => expect.objectContaining({ code });
