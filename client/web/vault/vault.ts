// The vault's lock: one data key encrypts everything that this browser keeps, and the passphrase
// encrypts the data key, so that a new passphrase re-encrypts 32 bytes and not a thousand
// photographs.
import { argon2id } from 'hash-wasm';
import { z } from 'zod';
import { fromBase64, toBase64 } from '../../../common/crypto/base64.js';
import { utf8 } from '../../../common/crypto/bytes.js';
import { LentigoError } from '../../../common/errors.js';

const WrappedKey = z.strictObject({
  version: z.literal(1),
  kdf: z.strictObject({
    name: z.literal('argon2id'),
    salt: z.string(),
    memoryKiB: z.int(),
    iterations: z.int(),
    parallelism: z.int(),
  }),
  nonce: z.string(),
  /**
   * The data key, encrypted (AES-256-GCM) with the passphrase's key; the key derivation's settings
   * are its associated data.
   */
  key: z.string(),
});
/** Stored unencrypted: it reveals nothing without the passphrase. */
export type WrappedKey = z.infer<typeof WrappedKey>;

/**
 * RFC 9106, section 4, the second recommended option (64 MiB, three passes), but with one lane, as
 * a browser has one thread for it.
 */
const KDF = { name: 'argon2id', memoryKiB: 64 * 1024, iterations: 3, parallelism: 1 } as const;
const AES = { name: 'AES-GCM', length: 256 } as const;
/** The minimum length in NIST SP 800-63B for memorised secrets. */
export const SHORTEST_PASSPHRASE = 8;

/**
 * A fresh data key, locked with the passphrase. No script can read the key itself from the browser.
 */
export async function createVault(
  passphrase: string,
): Promise<{ wrapped: WrappedKey; key: CryptoKey }> {
  const wrapped = await wrap(
    await crypto.subtle.generateKey(AES, true, ['encrypt', 'decrypt']),
    passphrase,
  );
  return { wrapped, key: await unwrap(wrapped, passphrase, false) };
}

/**
 * Unlocks the data key.
 * @throws LENTIGO_PASSPHRASE_WRONG; LENTIGO_VAULT_DAMAGED when the stored lock is invalid
 */
export async function openVault(stored: unknown, passphrase: string): Promise<CryptoKey> {
  return await unwrap(parse(stored), passphrase, false);
}

/**
 * Locks the same data key with another passphrase.
 * @throws LENTIGO_PASSPHRASE_WRONG when the old one is wrong
 */
export async function changePassphrase(
  stored: unknown,
  old: string,
  passphrase: string,
): Promise<WrappedKey> {
  return await wrap(await unwrap(parse(stored), old, true), passphrase);
}

function parse(stored: unknown): WrappedKey {
  const parsed = WrappedKey.safeParse(stored);
  if (!parsed.success)
    throw new LentigoError('LENTIGO_VAULT_DAMAGED', "The lock of this browser's data is damaged.", {
      cause: parsed.error,
    });
  return parsed.data;
}

async function wrap(key: CryptoKey, passphrase: string): Promise<WrappedKey> {
  const kdf = { ...KDF, salt: toBase64(crypto.getRandomValues(new Uint8Array(16))) };
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  const bytes = await crypto.subtle.wrapKey('raw', key, await passphraseKey(passphrase, kdf), {
    name: 'AES-GCM',
    iv: nonce,
    additionalData: settings(kdf),
  });
  return { version: 1, kdf, nonce: toBase64(nonce), key: toBase64(new Uint8Array(bytes)) };
}

async function unwrap(
  { kdf, nonce, key }: WrappedKey,
  passphrase: string,
  extractable: boolean,
): Promise<CryptoKey> {
  const lock = await passphraseKey(passphrase, kdf);
  try {
    return await crypto.subtle.unwrapKey(
      'raw',
      bytes(key),
      lock,
      { name: 'AES-GCM', iv: bytes(nonce), additionalData: settings(kdf) },
      AES,
      extractable,
      ['encrypt', 'decrypt'],
    );
  } catch (cause) {
    throw new LentigoError(
      'LENTIGO_PASSPHRASE_WRONG',
      'The passphrase is not the one that this browser was set up with.',
      { cause },
    );
  }
}

/** NFKC, so that the same letters typed on another keyboard give the same bytes. */
async function passphraseKey(
  passphrase: string,
  { salt, memoryKiB, iterations, parallelism }: WrappedKey['kdf'],
): Promise<CryptoKey> {
  const hash = await argon2id({
    password: passphrase.normalize('NFKC'),
    salt: fromBase64(salt),
    memorySize: memoryKiB,
    iterations,
    parallelism,
    hashLength: 32,
    outputType: 'binary',
  });
  return await crypto.subtle.importKey('raw', new Uint8Array(hash), AES, false, [
    'wrapKey',
    'unwrapKey',
  ]);
}

const settings = (kdf: WrappedKey['kdf']) =>
  new Uint8Array(
    utf8(
      `lentigo vault 1 ${kdf.name} ${kdf.memoryKiB} ${kdf.iterations} ${kdf.parallelism} ${kdf.salt}`,
    ),
  );
const bytes = (text: string) => new Uint8Array(fromBase64(text));
