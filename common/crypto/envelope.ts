// The sealed update: readable only with the round's key, signed by the clinic, and any range of it
// can be opened without the rest. Layout: 'LTG1' ‖ header length (u32, little-endian) ‖ header
// (JSON, UTF-8) ‖ Ed25519 signature (64) ‖ frames (frames.ts).
import nacl from 'tweetnacl';
import { z } from 'zod';
import { LentigoError } from '../errors.js';
import { PROTOCOL } from '../protocol/primitives.js';
import { UpdateHeader } from '../protocol/update.js';
import { fromBase64, toBase64 } from './base64.js';
import type { ByteSource } from './byte-source.js';
import { concat, sha256Hex, uint32, unshared, utf8 } from './bytes.js';
import {
  FRAME_BYTES,
  frameCount,
  framesHash,
  openFrame,
  sealedBytes,
  sealedRange,
  sealFrame,
} from './frames.js';
import type { Identity } from './identity.js';
import { signBytes, TAGS, verifyBytes } from './signature.js';

const MAGIC = utf8('LTG1');
const PREFIX_BYTES = MAGIC.length + 4;
const SIGNATURE_BYTES = 64;
const MAX_HEADER_BYTES = 64 * 1024;
/** Frames decrypted in parallel: WebCrypto has its own threads. */
const FRAMES_AT_ONCE = 4;

/**
 * A sealed update whose header has been read and whose length is right. Nothing is proven until
 * verifyEnvelope.
 */
export interface Envelope {
  readonly header: UpdateHeader;
  /** The header's bytes exactly as transmitted: these are signed and authenticated. */
  readonly headerBytes: Uint8Array;
  readonly signature: Uint8Array;
  readonly source: ByteSource;
  /** Where the frames start in the source. */
  readonly framesStart: number;
}

/** The payload of an update, decrypted as it is read. */
export interface OpenedUpdate {
  readonly header: UpdateHeader;
  /** Plaintext length. */
  readonly bytes: number;
  /**
   * Plaintext bytes [start, end).
   * @throws LENTIGO_UPDATE_ALTERED
   */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** What the clinic claims about its update. Sealing adds the key and the payload. */
export type UpdateClaims = Omit<UpdateHeader, 'protocol' | 'payload' | 'key'>;

/** Seals a payload for the round's X25519 key (base64) and signs it as the clinic. */
export async function sealUpdate(update: {
  header: UpdateClaims;
  payload: Uint8Array;
  roundKey: string;
  identity: Identity;
}): Promise<Uint8Array> {
  const { payload, identity } = update;
  const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt']);
  const header: UpdateHeader = {
    ...update.header,
    protocol: PROTOCOL,
    payload: { bytes: payload.length, sha256: await sha256Hex(payload) },
    key: wrapKey(
      new Uint8Array(await crypto.subtle.exportKey('raw', key)),
      fromBase64(update.roundKey),
    ),
  };
  const headerBytes = utf8(JSON.stringify(header));
  const count = frameCount(payload.length);
  const framesStart = PREFIX_BYTES + headerBytes.length + SIGNATURE_BYTES;
  const out = new Uint8Array(framesStart + sealedBytes(payload.length));
  const hash = await framesHash(count, async (i) => {
    const frame = await sealFrame(key, headerBytes, payload, i);
    out.set(frame, framesStart + sealedRange(i, payload.length).start);
    return frame;
  });
  out.set(
    concat(
      MAGIC,
      uint32(headerBytes.length),
      headerBytes,
      signBytes(TAGS.update, [headerBytes, hash], identity.secretKey),
    ),
  );
  return out;
}

/**
 * Wraps the AES key in a box from a one-time X25519 key, so that the clinic keeps nothing that
 * could open it later.
 */
function wrapKey(aesKey: Uint8Array, roundKey: Uint8Array): UpdateHeader['key'] {
  const once = nacl.box.keyPair();
  const nonce = nacl.randomBytes(nacl.box.nonceLength);
  const box = nacl.box(aesKey, nonce, roundKey, once.secretKey);
  once.secretKey.fill(0);
  aesKey.fill(0);
  return { from: toBase64(once.publicKey), nonce: toBase64(nonce), box: toBase64(box) };
}

/**
 * Reads the header of a sealed update and checks that the source is exactly as long as the header
 * says. Nothing is decrypted.
 * @throws LENTIGO_UPDATE_MALFORMED, or LENTIGO_PROTOCOL_VERSION for an envelope of another protocol
 *   version
 */
export async function readEnvelope(source: ByteSource): Promise<Envelope> {
  const malformed = (what: string, cause?: unknown) =>
    new LentigoError('LENTIGO_UPDATE_MALFORMED', `The update is not a whole envelope: ${what}.`, {
      cause,
    });
  if (source.bytes < PREFIX_BYTES + SIGNATURE_BYTES)
    throw malformed(`it has ${source.bytes} bytes`);
  const prefix = await source.read(0, PREFIX_BYTES);
  if (!MAGIC.every((byte, i) => prefix[i] === byte)) throw malformed('it does not start with LTG1');
  const headerLength = new DataView(prefix.buffer, prefix.byteOffset).getUint32(MAGIC.length, true);
  const framesStart = PREFIX_BYTES + headerLength + SIGNATURE_BYTES;
  if (headerLength > MAX_HEADER_BYTES || framesStart > source.bytes)
    throw malformed(`a header of ${headerLength} bytes can't be`);
  // A copy, because the header must not change if the source's memory does.
  const head = (await source.read(PREFIX_BYTES, framesStart)).slice();
  const headerBytes = head.subarray(0, headerLength);

  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(headerBytes));
  } catch (cause) {
    throw malformed('its header is not JSON', cause);
  }
  const version = z.object({ protocol: z.int() }).safeParse(json);
  if (version.success && version.data.protocol !== PROTOCOL) {
    throw new LentigoError(
      'LENTIGO_PROTOCOL_VERSION',
      `The update uses protocol ${version.data.protocol}; this side uses protocol ${PROTOCOL}.`,
    );
  }
  const parsed = UpdateHeader.safeParse(json);
  if (!parsed.success) throw malformed(`its header is not valid: ${z.prettifyError(parsed.error)}`);
  const expected = framesStart + sealedBytes(parsed.data.payload.bytes);
  if (source.bytes !== expected)
    throw malformed(`it has ${source.bytes} bytes, its header implies ${expected}`);
  return {
    header: parsed.data,
    headerBytes,
    signature: head.subarray(headerLength),
    source,
    framesStart,
  };
}

const readFrame = async (
  { header, source, framesStart }: Envelope,
  index: number,
): Promise<Uint8Array> => {
  const { start, end } = sealedRange(index, header.payload.bytes);
  return await source.read(framesStart + start, framesStart + end);
};

/**
 * Reads every frame as transmitted, and checks the clinic's signature.
 * @throws LENTIGO_UPDATE_SIGNATURE
 */
export async function verifyEnvelope(
  envelope: Envelope,
  clinicPublicKey: Uint8Array,
): Promise<void> {
  const hash = await framesHash(frameCount(envelope.header.payload.bytes), (i) =>
    readFrame(envelope, i),
  );
  if (
    !verifyBytes(TAGS.update, [envelope.headerBytes, hash], envelope.signature, clinicPublicKey)
  ) {
    throw new LentigoError(
      'LENTIGO_UPDATE_SIGNATURE',
      `The signature of the update that names clinic ${envelope.header.clinic} is not valid.`,
    );
  }
}

/**
 * Unwraps the key with the round's X25519 secret; the frames are decrypted as they are read.
 * @throws LENTIGO_UPDATE_ALTERED when the key can't be unwrapped: the update was sealed for another
 *   round's key, or altered
 */
export async function openEnvelope(
  envelope: Envelope,
  roundSecretKey: Uint8Array,
): Promise<OpenedUpdate> {
  const { header, headerBytes } = envelope;
  const payloadBytes = header.payload.bytes;
  const key = await unwrapKey(header, roundSecretKey);
  return {
    header,
    bytes: payloadBytes,
    async read(start, end) {
      if (!(0 <= start && start <= end && end <= payloadBytes))
        throw new RangeError(`bytes ${start} to ${end} of ${payloadBytes}`);
      const out = new Uint8Array(end - start);
      const frame = async (i: number) => {
        const plain = await openFrame(
          key,
          headerBytes,
          await readFrame(envelope, i),
          i,
          payloadBytes,
        );
        const from = Math.max(start - i * FRAME_BYTES, 0);
        out.set(plain.subarray(from, end - i * FRAME_BYTES), i * FRAME_BYTES + from - start);
      };
      const last = Math.ceil(end / FRAME_BYTES);
      for (let i = Math.floor(start / FRAME_BYTES); i < last; i += FRAMES_AT_ONCE) {
        await Promise.all(
          Array.from({ length: Math.min(FRAMES_AT_ONCE, last - i) }, (_, k) => frame(i + k)),
        );
      }
      return out;
    },
  };
}

async function unwrapKey(
  { key, clinic }: UpdateHeader,
  roundSecretKey: Uint8Array,
): Promise<CryptoKey> {
  let aesKey: Uint8Array | null;
  try {
    aesKey = nacl.box.open(
      fromBase64(key.box),
      fromBase64(key.nonce),
      fromBase64(key.from),
      roundSecretKey,
    );
  } catch (cause) {
    throw new LentigoError(
      'LENTIGO_UPDATE_ALTERED',
      `The key of clinic ${clinic}'s update is damaged.`,
      { cause },
    );
  }
  if (!aesKey)
    throw new LentigoError(
      'LENTIGO_UPDATE_ALTERED',
      `The update of clinic ${clinic} is sealed for another round key, or was altered.`,
    );
  return await crypto.subtle.importKey('raw', unshared(aesKey), 'AES-GCM', false, ['decrypt']);
}
