// Sends sealed updates by tus (https://tus.io, resumable uploads): an interrupted upload resumes
// where it stopped.
import { DetailedError, Upload } from 'tus-js-client';
import { LentigoError } from '../../common/errors.js';
import { networkError } from '../../common/network/failure.js';
import { errorInBody } from '../../common/protocol/error-body.js';
import { watchStalls } from './network.js';

const CHUNK = 4 * 1024 * 1024;
/** The connection is given up and retried after this time without a byte. */
const STALLED_MS = 60_000;

export interface UploadOptions {
  readonly endpoint: string;
  readonly token: string;
  /** The address at which an earlier attempt put its first bytes. */
  readonly resume?: string | undefined;
  readonly signal: AbortSignal;
  /** Called once the upload has an address at which it can resume. */
  readonly onAddress: (url: string) => void;
  readonly onProgress: (fraction: number) => void;
}

/**
 * Resolves when the coordinator has all bytes.
 * @throws LENTIGO_UPLOAD_TICKET when the ticket is refused; the coordinator's own error if it sends
 *   one; LENTIGO_UNREACHABLE when the connection fails repeatedly; the signal's reason when aborted
 */
export function upload(bytes: Uint8Array, options: UploadOptions): Promise<void> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    let furthest = 0;
    const settle = (outcome: () => void) => {
      watch.stop();
      signal.removeEventListener('abort', stop);
      outcome();
    };
    const fail = (error: Error) =>
      settle(() => {
        void transfer.abort();
        reject(error);
      });
    const stop = () => fail(signal.reason as Error);
    // The bytes come from `fileReader`, the same in Node and browsers; the first argument is only a
    // placeholder.
    const transfer = new Upload(new Blob([]), {
      endpoint: options.endpoint,
      uploadUrl: options.resume ?? null,
      headers: { Authorization: `Bearer ${options.token}` },
      chunkSize: CHUNK,
      retryDelays: [200, 1000, 3000],
      storeFingerprintForResuming: false,
      fileReader: { openFile: async () => sourceOf(bytes) },
      fingerprint: async () => '',
      // The ticket is sent to the coordinator only, whatever address an answer names.
      onBeforeRequest: (request) => {
        if (new URL(request.getURL()).origin !== new URL(options.endpoint).origin)
          throw new Error(`the upload was sent to another place: ${request.getURL()}`);
      },
      onUploadUrlAvailable: () => {
        if (transfer.url) options.onAddress(transfer.url);
      },
      onProgress: (sent, total) => {
        if (sent > furthest) watch.alive();
        furthest = Math.max(furthest, sent);
        options.onProgress(total > 0 ? sent / total : 1);
      },
      onSuccess: () => settle(resolve),
      onError: (error) => fail(uploadError(options.endpoint, error)),
    });
    if (signal.aborted) return reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    const watch = watchStalls(STALLED_MS, () =>
      fail(networkError(options.endpoint, new Error('the upload stalled'))),
    );
    transfer.start();
  });
}

function sourceOf(bytes: Uint8Array) {
  return {
    size: bytes.length,
    slice: async (start: number, end: number) => {
      const part = bytes.subarray(start, end);
      // tus-js-client sends Content-Length when the chunk has a `size`.
      return { value: Object.assign(part, { size: part.length }), done: end >= bytes.length };
    },
    close: () => undefined,
  };
}

function uploadError(url: string, error: Error): LentigoError {
  const response = error instanceof DetailedError ? error.originalResponse : null;
  if (!response) return networkError(url, error);
  const named = errorInBody(response.getBody());
  if (named) return named;
  const status = response.getStatus();
  const what = `The coordinator answered ${status} to the upload: ${response.getBody().slice(0, 200)}`;
  return new LentigoError(
    status >= 400 && status < 500 ? 'LENTIGO_UPLOAD_TICKET' : 'LENTIGO_UNREACHABLE',
    what,
  );
}
