// One clinic's part in one attempt at a round: fetch, train, seal, upload, submit. Each step is
// journalled, so that any of them can be the last before a restart.
import { fromBase64 } from '../../common/crypto/base64.js';
import { sha256Hex } from '../../common/crypto/bytes.js';
import { sealUpdate } from '../../common/crypto/envelope.js';
import type { Identity } from '../../common/crypto/identity.js';
import { openSigned } from '../../common/crypto/signed.js';
import { TAGS } from '../../common/crypto/signature.js';
import { asLentigoError, LentigoError, type ErrorCode } from '../../common/errors.js';
import { clientDelta, clientPartOf } from '../../common/federation/client-part.js';
import { trainableCount } from '../../common/model/architecture.js';
import { type Progress, Receipt, type Signed } from '../../common/protocol/round.js';
import type { BlobRef } from '../../common/protocol/primitives.js';
import type { RoundTerms } from '../../common/protocol/terms.js';
import { retry } from '../../common/retry.js';
import { checkDelta } from '../../common/update/check.js';
import { encodings } from '../../common/update/encoding.js';
import type { Connection } from './connection.js';
import type { AnnouncedRound } from './announcement.js';
import { download, keepBlobs } from './download.js';
import type { Enrolment } from './enrolment.js';
import type { ParticipationEvent, StepProgress } from './events.js';
import type { AttemptEntry, Journal, Trained } from './journal.js';
import { encodeDelta, seedOf } from './local-update.js';
import { endpoint } from './network.js';
import type { Bytes, Store } from './store.js';
import { upload } from './upload.js';

/**
 * Trains from the announced model on this clinic's images. The platform decides where (here, or in
 * a worker).
 */
export type Trainer = (
  job: {
    readonly terms: RoundTerms;
    readonly clinic: string;
    readonly start: Bytes;
    readonly base: Bytes;
  },
  options: {
    readonly signal: AbortSignal;
    readonly onProgress: (phase: 'preparing' | 'training', progress: StepProgress) => void;
  },
) => Promise<Trained>;

/** What every round of one participant shares. */
export interface RoundContext {
  readonly enrolment: Enrolment;
  readonly identity: Identity;
  readonly store: Store;
  readonly journal: Journal;
  readonly connection: Connection;
  readonly train: Trainer;
  readonly report: (event: ParticipationEvent) => void;
  readonly progress: (
    at: { round: number; attempt: string },
    phase: Progress['phase'],
    progress: StepProgress,
  ) => void;
}

/** Temporary errors: retried until they pass or the round is over. */
const TRANSIENT = new Set<ErrorCode>([
  'LENTIGO_UNREACHABLE',
  'LENTIGO_PROXY',
  'LENTIGO_TLS',
  'LENTIGO_INTERNAL',
  'LENTIGO_RATE_LIMITED',
  'LENTIGO_DISK_FULL',
  'LENTIGO_DATABASE',
  'LENTIGO_STUDY_CHANGED',
]);
/** The coordinator doesn't have all the bytes: they are sent once more, under a new ticket. */
const SEND_AGAIN = new Set<ErrorCode>([
  'LENTIGO_UPDATE_MALFORMED',
  'LENTIGO_UPDATE_SIGNATURE',
  'LENTIGO_UPDATE_ALTERED',
  'LENTIGO_UPLOAD_TICKET',
  'LENTIGO_UPLOAD_INVALID',
  'LENTIGO_BLOB_UNKNOWN',
]);
const MOST_SENDS = 3;

/** The round went on without this clinic: reported, but nothing is wrong. */
export const MISSED = new Set<ErrorCode>(['LENTIGO_UPDATE_LATE', 'LENTIGO_ROUND_UNKNOWN']);

/** Errors that waiting would not cure: the participant ends with them. */
export const FATAL = new Set<ErrorCode>([
  'LENTIGO_CHALLENGE_FAILED',
  'LENTIGO_PROTOCOL_VERSION',
  'LENTIGO_CLINIC_REVOKED',
  'LENTIGO_CLINIC_ELSEWHERE',
  'LENTIGO_CLINIC_UNKNOWN',
  'LENTIGO_STUDY_UNKNOWN',
  'LENTIGO_HOME_INVALID',
]);

/**
 * Does the remaining steps of this attempt, and returns when the coordinator's receipt is stored, or
 * when it knows why none will be: what failed is reported, journalled if repeating would not help,
 * and declined by its code.
 * @throws an error of FATAL or MISSED; the signal's reason when aborted
 */
export async function takePart(
  { terms, remainingMs }: AnnouncedRound,
  context: RoundContext,
  signal: AbortSignal,
): Promise<void> {
  const { journal } = context;
  const { round, attempt } = terms;
  let entry = await journal.entry(terms);
  if (entry.step === 'received') return;
  // Declined before, perhaps unheard.
  if (entry.refusal) {
    const { code, message } = entry.refusal;
    return decline(terms, new LentigoError(code, message), context, signal);
  }
  context.report({ event: 'round', round, attempt, remainingMs });
  try {
    if (entry.step === 'announced') {
      await journal.forgetBefore(terms.round);
      entry = await refusable(entry, journal, () => trainAndSeal(terms, context, signal));
    }
    await send(entry, context, signal);
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asLentigoError(thrown);
    if (FATAL.has(error.code) || MISSED.has(error.code)) throw error;
    context.report({ event: 'error', round, ...error.body() });
    await decline(terms, error, context, signal);
  }
}

/**
 * Tells the coordinator, until it has heard it or the round is over, that this clinic can't deliver.
 * Only the code leaves: an error's message may name a file.
 */
async function decline(
  { round, attempt }: { readonly round: number; readonly attempt: string },
  error: LentigoError,
  context: RoundContext,
  signal: AbortSignal,
): Promise<void> {
  const { connection, report } = context;
  const { code } = error;
  try {
    await retrying(context, signal, () =>
      connection.request('decline', { round, attempt, code }, signal),
    );
    report({ event: 'declined', round, ...error.body() });
  } catch (thrown) {
    signal.throwIfAborted();
    if (!MISSED.has(asLentigoError(thrown).code)) throw thrown;
  }
}

async function trainAndSeal(
  terms: RoundTerms,
  context: RoundContext,
  signal: AbortSignal,
): Promise<AttemptEntry> {
  const { journal, enrolment, identity } = context;
  const { study, round, attempt, roundKey, clientPart } = terms;
  const { encoding } = terms.updates;
  let trained = await journal.trained(terms);
  if (!trained) {
    const fresh = await fetchAndTrain(terms, context, signal);
    // Retried until there is space, so that nothing is trained again.
    await storing(terms, context, signal, () => journal.saveTrained(terms, fresh));
    trained = fresh;
  }
  signal.throwIfAborted();
  context.progress(terms, 'sealing', { fraction: 0 });
  const began = performance.now();
  const { samples, leftOut, loss } = trained;
  const seed = seedOf(terms, enrolment.clinic);
  const delta = clientDelta(clientPartOf(clientPart), trained, { round, seed });
  const payload = encodeDelta(delta, encoding, seed);
  const norm = checkBounds(payload, samples, terms);
  const header = {
    study,
    round,
    attempt,
    clinic: enrolment.clinic,
    base: terms.base.sha256,
    encoding,
    samples,
  };
  const sealed = await sealUpdate({ header, payload, roundKey, identity });
  const sha256 = await sha256Hex(sealed);
  const entry = await storing(terms, context, signal, () =>
    journal.saveSealed(
      {
        round,
        attempt,
        step: 'sealed',
        sealed: {
          sha256,
          bytes: sealed.length,
          samples,
          norm,
          loss,
          leftOut: leftOut.length,
        },
      },
      sealed,
    ),
  );
  context.report({ event: 'sealed', round, bytes: sealed.length, seconds: secondsSince(began) });
  return entry;
}

async function fetchAndTrain(
  terms: RoundTerms,
  context: RoundContext,
  signal: AbortSignal,
): Promise<Trained> {
  const fetched = (blob: BlobRef) =>
    storing(terms, context, signal, () => fetchBlob(blob, terms, context, signal));
  const job = {
    terms,
    clinic: context.enrolment.clinic,
    start: await fetched(terms.start),
    base: await fetched(terms.base),
  };
  await storing(terms, context, signal, () => keepRecentBlobs(terms, context.store));
  signal.throwIfAborted();
  const began = performance.now();
  const trained = await context.train(job, {
    signal,
    onProgress: (phase, progress) => context.progress(terms, phase, progress),
  });
  const { samples, loss } = trained;
  if (!Number.isFinite(loss))
    throw new LentigoError(
      'LENTIGO_UPDATE_NOT_FINITE',
      `Round ${terms.round}: the training loss became ${loss}.`,
    );
  context.report({
    event: 'trained',
    round: terms.round,
    samples,
    leftOut: trained.leftOut.length,
    loss,
    seconds: secondsSince(began),
  });
  return trained;
}

/** Sends a sealed update, from wherever it was left, until its receipt is stored. */
export async function send(
  entry: AttemptEntry,
  context: RoundContext,
  signal: AbortSignal,
): Promise<void> {
  const { journal, report } = context;
  const { round, attempt, sealed } = entry;
  if (!sealed) throw new LentigoError('LENTIGO_INTERNAL', `Round ${round}: nothing is sealed.`);
  await refusable(entry, journal, async () => {
    for (let sends = 1; ; sends++) {
      try {
        if (entry.step === 'sealed') {
          const began = performance.now();
          entry = await retrying(context, signal, () => uploadSealed(entry, context, signal));
          report({
            event: 'uploaded',
            round,
            bytes: sealed.bytes,
            sha256: sealed.sha256,
            seconds: secondsSince(began),
          });
        }
        const receipt = await retrying(context, signal, () => submit(entry, context, signal));
        await retrying(context, signal, () =>
          journal.save({ ...entry, step: 'received', receipt }),
        );
        report({ event: 'receipt', round, attempt, ...sealed });
        return;
      } catch (error) {
        if (!(error instanceof LentigoError) || !SEND_AGAIN.has(error.code) || sends === MOST_SENDS)
          throw error;
        const { uploadUrl: _, ...rest } = entry;
        entry = await retrying(context, signal, () => journal.save({ ...rest, step: 'sealed' }));
      }
    }
  });
}

async function uploadSealed(
  entry: AttemptEntry,
  context: RoundContext,
  signal: AbortSignal,
): Promise<AttemptEntry> {
  const { journal, enrolment, connection } = context;
  const { round, attempt, sealed } = entry;
  const bytes = await journal.sealed(entry);
  const ticket = await connection.request(
    'ticket',
    { round, attempt, sha256: sealed!.sha256, bytes: bytes.length },
    signal,
  );
  // One write after the other: the address is known before the upload is done.
  let written = Promise.resolve(entry);
  const known = (await journal.entry(entry)).uploadUrl;
  await upload(bytes, {
    endpoint: endpoint(enrolment.url, ticket.path),
    token: ticket.token,
    resume: known,
    signal,
    onAddress: (url) => {
      written = written.then((last) =>
        last.uploadUrl === url
          ? last
          : storing(entry, context, signal, () => journal.save({ ...last, uploadUrl: url })),
      );
      written.catch(() => undefined);
    },
    onProgress: (fraction) => context.progress(entry, 'uploading', { fraction }),
  });
  const uploaded = { ...(await written), step: 'uploaded' } as const;
  return await storing(entry, context, signal, () => journal.save(uploaded));
}

/**
 * The signed receipt, as it came, after it was checked to be for these very bytes.
 * @throws LENTIGO_CHALLENGE_FAILED when it is not
 */
async function submit(
  { round, attempt, sealed }: AttemptEntry,
  { enrolment, connection }: RoundContext,
  signal: AbortSignal,
): Promise<Signed> {
  const signed = await connection.request(
    'submit',
    { round, attempt, sha256: sealed!.sha256 },
    signal,
  );
  const receipt = openSigned(TAGS.receipt, Receipt, signed, fromBase64(enrolment.key));
  const expected = {
    study: enrolment.study,
    round,
    attempt,
    clinic: enrolment.clinic,
    sha256: sealed!.sha256,
    samples: sealed!.samples,
  };
  for (const [field, value] of Object.entries(expected)) {
    if (receipt[field as keyof typeof expected] !== value) {
      throw new LentigoError(
        'LENTIGO_CHALLENGE_FAILED',
        `The receipt of round ${round} names another ${field}: ${receipt[field as keyof typeof expected]}, not ${value}.`,
      );
    }
  }
  return signed;
}

async function fetchBlob(
  blob: BlobRef,
  at: RoundTerms,
  { enrolment, store, progress, report }: RoundContext,
  signal: AbortSignal,
): Promise<Bytes> {
  const began = performance.now();
  const { bytes, fetched } = await download(enrolment.url, blob, store, {
    attempt: at.attempt,
    signal,
    onProgress: (fraction) => progress(at, 'downloading', { fraction }),
  });
  if (fetched > 0)
    report({
      event: 'downloaded',
      round: at.round,
      sha256: blob.sha256,
      bytes: fetched,
      seconds: secondsSince(began),
    });
  return bytes;
}

const secondsSince = (began: number): number => (performance.now() - began) / 1000;

/** The starting model for ever; of the rounds' models this one and the one before. */
async function keepRecentBlobs({ start, base }: RoundTerms, store: Store): Promise<void> {
  const file = 'recent/bases';
  const last = new TextDecoder()
    .decode((await store.read(file)) ?? new Uint8Array())
    .split('\n')
    .filter((name) => name !== '' && name !== base.sha256);
  const bases = [base.sha256, ...last].slice(0, 2);
  await store.write(file, new TextEncoder().encode(bases.join('\n')));
  await keepBlobs(store, [start.sha256, ...bases]);
}

/**
 * Refuses here what the coordinator would refuse, with the same codes, and on the same values:
 * those that decoding gives.
 * @returns the delta's L2 norm
 */
function checkBounds(
  payload: Uint8Array,
  samples: number,
  { round, architecture, labels, training, updates }: RoundTerms,
): number {
  const { minSamples, maxSamples } = updates;
  if (samples < minSamples || samples > maxSamples) {
    throw new LentigoError(
      'LENTIGO_UPDATE_SAMPLES',
      `Round ${round}: ${samples} training images; the study takes ${minSamples} to ${maxSamples}.`,
    );
  }
  const count = trainableCount(architecture, labels.names.length, training.trainFrom);
  return checkDelta(encodings.get(updates.encoding).decode(payload), {
    count,
    maxNorm: updates.maxNorm,
  });
}

/** Journals a refusal for good, so that the same attempt isn't tried again after a restart. */
async function refusable<T>(
  entry: AttemptEntry,
  journal: Journal,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (
      error instanceof LentigoError &&
      (error.code.startsWith('LENTIGO_UPDATE_') || MISSED.has(error.code))
    ) {
      const { code, message } = error;
      await journal.save({
        ...(await journal.entry(entry)),
        step: 'refused',
        refusal: { code, message },
      });
    }
    throw error;
  }
}

/** After so long without space on this machine the coordinator is told, ms. */
const FULL_MS = 20_000;

/**
 * Retries work that ends on this machine's disk. While it is full for long, the round is declined,
 * so that nobody waits for it; once there is space, the update goes out all the same if the round is
 * still open.
 */
async function storing<T>(
  at: { readonly round: number; readonly attempt: string },
  context: RoundContext,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  let full: ReturnType<typeof setTimeout> | undefined;
  const told = (reason: LentigoError) => () =>
    decline(at, reason, context, signal).catch((thrown: unknown) => {
      if (!signal.aborted)
        context.report({ event: 'error', round: at.round, ...asLentigoError(thrown).body() });
    });
  try {
    return await retrying(context, signal, async () => {
      try {
        return await work();
      } catch (thrown) {
        const error = asLentigoError(thrown);
        if (error.code === 'LENTIGO_DISK_FULL') full ??= setTimeout(told(error), FULL_MS);
        throw thrown;
      }
    });
  } finally {
    clearTimeout(full);
  }
}

/** Repeats the work while its error is temporary, and reports each failure. */
export async function retrying<T>(
  context: RoundContext,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  return await retry(work, {
    signal,
    passes: (error) => error instanceof LentigoError && TRANSIENT.has(error.code),
    onRetry: (error) => context.report({ event: 'error', ...asLentigoError(error).body() }),
  });
}
