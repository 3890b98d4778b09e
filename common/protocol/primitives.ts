// The basic types of which every message is built, each with its bounds.
import { z } from 'zod';
import './plain-words.js';

/**
 * Protocol number, raised whenever either side could misunderstand the other. It is in the
 * invitation, the handshake and the update header.
 */
export const PROTOCOL = 2;

/** base64 of exactly `bytes` bytes, padded. */
const base64Of = (bytes: number) =>
  z
    .string()
    .length(4 * Math.ceil(bytes / 3))
    .regex(/^[A-Za-z0-9+/]+={0,2}$/);

export const Id = z.uuid();
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits');
/** A public key, 32 bytes: Ed25519 for identities, X25519 for rounds. */
export const PublicKey = base64Of(32);
export const Nonce = base64Of(32);
export const Signature = base64Of(64);
/** A clinic's id: the first 16 bytes of SHA-256 of its Ed25519 public key, hexadecimal. */
export const ClinicId = z.string().regex(/^[0-9a-f]{32}$/, 'expected 32 hexadecimal digits');
/**
 * Text written by a person, safe for every database and screen: no control characters, no lone
 * surrogates.
 */
export const Text = z.string().regex(/^[^\p{Cc}\p{Cs}]*$/u, 'control characters are not allowed');
export const ClinicName = Text.trim().min(1).max(80);
export const RoundNumber = z.int().min(1).max(100_000);
export const SampleCount = z.int().min(1).max(10_000_000);
/** The largest update or model that is accepted, in bytes. */
export const MAX_BLOB_BYTES = 256 * 1024 * 1024;
export const ByteCount = z.int().min(0).max(MAX_BLOB_BYTES);

/** Reference to a blob by its content: SHA-256, and length in bytes. */
export const BlobRef = z.strictObject({ sha256: Sha256, bytes: ByteCount });
export type BlobRef = Readonly<z.infer<typeof BlobRef>>;

/**
 * Header with which a clinic says for which attempt at a round it downloads a model, so that the
 * round's traffic is counted. It is not part of the address, so that caches are not affected.
 */
export const ATTEMPT_HEADER = 'Lentigo-Attempt';
