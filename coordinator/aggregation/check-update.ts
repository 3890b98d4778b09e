// Everything an update must be before it counts. Each refusal has its own code.
import { createHash } from 'node:crypto';
import { fromBase64 } from '../../common/crypto/base64.js';
import { fileSource } from '../../common/crypto/byte-source.node.js';
import { openEnvelope, readEnvelope, verifyEnvelope } from '../../common/crypto/envelope.js';
import { LentigoError } from '../../common/errors.js';
import { hashFile } from '../../common/files/sha256.node.js';
import type { Encoding } from '../../common/update/encoding.js';
import type { UpdateHeader } from '../../common/protocol/update.js';
import { DeltaCheck } from '../../common/update/check.js';
import { encodings } from '../../common/update/encoding.js';

/** What the round announced, and whose update this has to be. */
export interface ExpectedUpdate {
  readonly study: string;
  readonly round: number;
  readonly attempt: string;
  readonly clinic: string;
  /** Ed25519, base64. */
  readonly clinicKey: string;
  /** SHA-256 of the base blob. */
  readonly base: string;
  readonly encoding: Encoding;
  readonly minSamples: number;
  readonly maxSamples: number;
  readonly maxNorm: number;
  /** Values in the trainable parameters. */
  readonly count: number;
}

export interface CheckJob {
  /** The sealed bytes. */
  readonly path: string;
  readonly expected: ExpectedUpdate;
  readonly roundSecretKey: Uint8Array;
}

export interface CheckedUpdate {
  /** SHA-256 of the whole sealed file, in hex. */
  readonly sha256: string;
  readonly bytes: number;
  readonly samples: number;
  /** L2 norm of the decoded delta. */
  readonly norm: number;
}

/** Values decrypted at a time; a multiple of every encoding's block. */
const RANGE = 1024 * 1024;

/**
 * Reads a sealed update to its end: envelope, signature, claims, decryption, payload hash, values.
 * @throws LENTIGO_UPDATE_MALFORMED, _SIGNATURE, _OTHER_ROUND, _OTHER_BASE, _SAMPLES, _LENGTH,
 *   _ALTERED, _NOT_FINITE, _NORM, or LENTIGO_PROTOCOL_VERSION.
 */
export async function checkUpdate({
  path,
  expected,
  roundSecretKey,
}: CheckJob): Promise<CheckedUpdate> {
  const envelope = await readEnvelope(await fileSource(path));
  // First the signature: what an altered header claims is not worth an answer.
  await verifyEnvelope(envelope, fromBase64(expected.clinicKey));
  checkClaims(envelope.header, expected);

  const opened = await openEnvelope(envelope, roundSecretKey);
  const encoding = encodings.get(expected.encoding);
  const check = new DeltaCheck(expected);
  const hash = createHash('sha256');
  for (let start = 0; start < expected.count; start += RANGE) {
    const end = Math.min(start + RANGE, expected.count);
    const bytes = await opened.read(encoding.encodedBytes(start), encoding.encodedBytes(end));
    hash.update(bytes);
    check.add(encoding.decode(bytes));
  }
  if (hash.digest('hex') !== envelope.header.payload.sha256) {
    throw new LentigoError(
      'LENTIGO_UPDATE_ALTERED',
      `The payload of clinic ${expected.clinic}'s update is not the one its header names.`,
    );
  }
  const norm = check.finish();
  return {
    sha256: (await hashFile(path)).sha256,
    bytes: envelope.source.bytes,
    samples: envelope.header.samples,
    norm,
  };
}

/** The signed header against what was announced. */
function checkClaims(header: UpdateHeader, expected: ExpectedUpdate): void {
  for (const field of ['study', 'round', 'attempt'] as const) {
    if (header[field] !== expected[field]) {
      throw new LentigoError(
        'LENTIGO_UPDATE_OTHER_ROUND',
        `The update of clinic ${expected.clinic} is for ${field} ${header[field]}; now it is ${expected[field]}.`,
      );
    }
  }
  if (header.clinic !== expected.clinic) {
    throw new LentigoError(
      'LENTIGO_UPDATE_SIGNATURE',
      `The update names clinic ${header.clinic}, but is signed by clinic ${expected.clinic}.`,
    );
  }
  if (header.base !== expected.base) {
    throw new LentigoError(
      'LENTIGO_UPDATE_OTHER_BASE',
      `The update of clinic ${expected.clinic} was trained from ${header.base}; round ${expected.round} starts from ${expected.base}.`,
    );
  }
  if (header.encoding !== expected.encoding) {
    throw new LentigoError(
      'LENTIGO_UPDATE_MALFORMED',
      `The update of clinic ${expected.clinic} is encoded as ${header.encoding}; the study uses ${expected.encoding}.`,
    );
  }
  if (header.samples < expected.minSamples || header.samples > expected.maxSamples) {
    throw new LentigoError(
      'LENTIGO_UPDATE_SAMPLES',
      `Clinic ${expected.clinic} says ${header.samples} samples; the study takes ${expected.minSamples} to ${expected.maxSamples}.`,
    );
  }
  const bytes = encodings.get(expected.encoding).encodedBytes(expected.count);
  if (header.payload.bytes !== bytes) {
    throw new LentigoError(
      'LENTIGO_UPDATE_LENGTH',
      `The update of clinic ${expected.clinic} has ${header.payload.bytes} bytes; ${expected.count} values take ${bytes}.`,
    );
  }
}
