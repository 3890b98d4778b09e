// Downloads models as immutable blobs named by their SHA-256: fetched once, resumed where they were
// cut, checked before use.
import { concat, sha256Hex } from '../../common/crypto/bytes.js';
import { LentigoError } from '../../common/errors.js';
import { networkError } from '../../common/network/failure.js';
import { errorInBody } from '../../common/protocol/error-body.js';
import { ATTEMPT_HEADER, type BlobRef } from '../../common/protocol/primitives.js';
import { pathOf, routes } from '../../common/protocol/routes.js';
import { endpoint, watchStalls } from './network.js';
import type { Bytes, Store } from './store.js';

export interface DownloadOptions {
  /**
   * The attempt at a round for which it is downloaded, so that the round's traffic is counted;
   * absent if it is for none.
   */
  readonly attempt?: string;
  readonly signal: AbortSignal;
  readonly onProgress: (fraction: number) => void;
}

/** Written in pieces of about this many bytes, so that a cut loses little. */
const PIECE = 1024 * 1024;
/** The connection is given up after this time without a byte. */
const STALLED_MS = 20_000;
const FOLDER = 'blobs';

/**
 * Returns the blob from the store, otherwise from the coordinator at `url`. `fetched` is the number
 * of bytes that came over the network.
 * @throws LENTIGO_BLOB_CORRUPT when the bytes don't match their hash twice; LENTIGO_BLOB_UNKNOWN;
 *   LENTIGO_UNREACHABLE (call again: it resumes)
 */
export async function download(
  url: string,
  blob: BlobRef,
  store: Store,
  options: DownloadOptions,
): Promise<{ bytes: Bytes; fetched: number }> {
  const name = `${FOLDER}/${blob.sha256}`;
  const part = `${name}.part`;
  const kept = await keptBlob(store, blob);
  if (kept) return { bytes: kept, fetched: 0 };
  let fetched = 0;
  for (let attempt = 0; attempt < 2; attempt++) {
    fetched += await complete(url, blob, part, store, options);
    const bytes = await store.read(part);
    if (bytes && bytes.length === blob.bytes && (await sha256Hex(bytes)) === blob.sha256) {
      await store.write(name, bytes);
      await store.remove(part);
      return { bytes, fetched };
    }
    await store.remove(part);
  }
  throw new LentigoError(
    'LENTIGO_BLOB_CORRUPT',
    `${addressOf(url, blob)} does not match its hash, twice.`,
  );
}

/** The blob from the store; undefined if it isn't there, or is damaged. */
export async function keptBlob(
  store: Store,
  { sha256 }: Pick<BlobRef, 'sha256'>,
): Promise<Bytes | undefined> {
  const kept = await store.read(`${FOLDER}/${sha256}`);
  return kept && (await sha256Hex(kept)) === sha256 ? kept : undefined;
}

const addressOf = (url: string, { sha256 }: BlobRef): string =>
  endpoint(url, pathOf(routes.blob, { params: { sha256 } }));

/** Deletes all blobs but these. */
export async function keepBlobs(store: Store, keep: readonly string[]): Promise<void> {
  for (const name of await store.list(FOLDER)) {
    if (!keep.includes(name.replace(/\.part$/, ''))) await store.remove(`${FOLDER}/${name}`);
  }
}

/**
 * `append`, given up when nothing arrives for STALLED_MS. When aborted, it throws the signal's
 * reason.
 */
async function complete(
  url: string,
  blob: BlobRef,
  part: string,
  store: Store,
  { attempt, signal, onProgress }: DownloadOptions,
): Promise<number> {
  const stalled = new AbortController();
  const watch = watchStalls(STALLED_MS, () => stalled.abort(new Error('the download stalled')));
  try {
    return await append(url, blob, part, store, {
      ...(attempt !== undefined && { attempt }),
      signal: AbortSignal.any([signal, stalled.signal]),
      onProgress: (fraction) => {
        watch.alive();
        onProgress(fraction);
      },
    });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    watch.stop();
  }
}

/** Appends what is missing to the partial file; returns the number of bytes received. */
async function append(
  url: string,
  blob: BlobRef,
  part: string,
  store: Store,
  { attempt, signal, onProgress }: DownloadOptions,
): Promise<number> {
  const address = addressOf(url, blob);
  let have = (await store.read(part))?.length ?? 0;
  if (have === blob.bytes) return 0;
  if (have > blob.bytes) {
    await store.remove(part);
    have = 0;
  }
  let response: Response;
  try {
    // identity, because byte ranges of a compressed answer differ from the blob's.
    response = await fetch(address, {
      signal,
      headers: {
        ...(attempt !== undefined && { [ATTEMPT_HEADER]: attempt }),
        'accept-encoding': 'identity',
        ...(have > 0 && { range: `bytes=${have}-` }),
      },
    });
  } catch (cause) {
    throw networkError(url, cause);
  }
  if (!response.ok || !response.body) {
    if (response.status === 416) await store.remove(part);
    const named = errorInBody(await response.text().catch(() => ''));
    throw (
      named ??
      new LentigoError(
        response.status === 404 ? 'LENTIGO_BLOB_UNKNOWN' : 'LENTIGO_UNREACHABLE',
        `${address} answered ${response.status}.`,
      )
    );
  }
  if (response.status !== 206 && have > 0) {
    await store.remove(part);
    have = 0;
  }
  const start = have;
  let pieces: Uint8Array[] = [];
  let held = 0;
  const flush = async () => {
    if (held === 0) return;
    const bytes = concat(...pieces);
    pieces = [];
    held = 0;
    await store.append(part, bytes);
  };
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      pieces.push(value);
      held += value.length;
      have += value.length;
      // Longer than announced: the hash can't match, so don't fill the disk with it.
      if (have > blob.bytes) break;
      if (held >= PIECE) await flush();
      onProgress(have / blob.bytes);
    }
  } catch (cause) {
    throw networkError(url, cause);
  } finally {
    await reader.cancel().catch(() => undefined);
    await flush();
  }
  if (have < blob.bytes)
    throw networkError(url, new Error(`${address} ended after ${have} of ${blob.bytes} bytes`));
  return have - start;
}
