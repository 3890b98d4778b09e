// Takes clinics' updates in: each is checked, stored for good, recorded, and only then receipted.
// The same bytes again get the same receipt; what is refused is recorded by name.
import type { Logger } from 'pino';
import { sealedBytes } from '../../common/crypto/frames.js';
import { signMessage } from '../../common/crypto/signed.js';
import { TAGS } from '../../common/crypto/signature.js';
import { asLentigoError, LentigoError } from '../../common/errors.js';
import { trainableCount } from '../../common/model/architecture.js';
import type { Decline, Receipt, Signed, Submission } from '../../common/protocol/round.js';
import { encodings } from '../../common/update/encoding.js';
import type { CheckedUpdate } from '../aggregation/check-update.js';
import { type StudyActor, waits } from './actor.js';
import type { Ports } from './ports.js';
import type { ClinicRecord, StudyRecord } from './records.js';
import type { OpenRound } from './state.js';

/** An envelope's header and signature take less than this, bytes. */
const HEADER_ROOM_BYTES = 64 * 1024 + 1024;

/**
 * A clinic's first refusals in a round are each written to the audit log, with their number; then
 * the 200th, the 400th, the 800th, …: nobody fills it.
 */
const FIRST_REFUSALS = 100;
const isRecorded = (refusals: number): boolean =>
  refusals <= FIRST_REFUSALS || Number.isInteger(Math.log2(refusals / FIRST_REFUSALS));

/** What an upload or a submission says it is for. */
interface Wanted {
  readonly round: number;
  readonly attempt: string;
}

export interface IntakeParts extends Pick<
  Ports,
  'store' | 'files' | 'inbox' | 'aggregator' | 'now'
> {
  readonly study: Pick<StudyRecord, 'architecture' | 'labels'>;
  /** The study's Ed25519 key, which signs receipts. */
  readonly secretKey: Uint8Array;
  readonly actor: StudyActor;
  readonly log: Logger;
}

export class Intake {
  readonly #parts: IntakeParts;
  /** Updates that are being checked, by clinic: the same bytes sent again wait for the same receipt. */
  readonly #accepting = new Map<string, { sha256: string; receipt: Promise<Signed> }>();
  /** How many updates of each clinic were refused in this attempt. */
  #refused: { readonly attempt: string | undefined; readonly counts: Map<string, number> } = {
    attempt: undefined,
    counts: new Map(),
  };

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /**
   * The round that an upload or submission is for, if this clinic may still send to it.
   * @throws LENTIGO_UPDATE_LATE, LENTIGO_ROUND_UNKNOWN, LENTIGO_UPDATE_OTHER_ROUND
   */
  openRound(clinic: string, wanted: Wanted): OpenRound {
    const { round } = this.#parts.actor.state;
    if (!round || wanted.round > round.number)
      throw new LentigoError(
        'LENTIGO_ROUND_UNKNOWN',
        `Round ${wanted.round} has not been announced.`,
      );
    if (round.attempt !== wanted.attempt || round.phase !== 'open')
      throw new LentigoError(
        'LENTIGO_UPDATE_LATE',
        `Round ${wanted.round} no longer takes updates.`,
      );
    if (round.number !== wanted.round || !round.cohort.includes(clinic)) {
      throw new LentigoError(
        'LENTIGO_UPDATE_OTHER_ROUND',
        `Clinic ${clinic} was not invited to round ${wanted.round}.`,
      );
    }
    return round;
  }

  /** The largest sealed update of this study, bytes: an upload can't announce more. */
  largestUpdate(): number {
    const { encoding } = this.#parts.actor.state.config.updates;
    return sealedBytes(encodings.get(encoding).encodedBytes(this.#count())) + HEADER_ROOM_BYTES;
  }

  /**
   * Counts an uploaded update, once.
   * @returns the receipt, signed by the study's key
   * @throws any LENTIGO_UPDATE_… when it is refused; the refusal is in the audit log, or counted by
   *   a later one there
   */
  async accept(clinic: ClinicRecord, submission: Submission): Promise<Signed> {
    const { actor, store } = this.#parts;
    const known = await store.receipt(submission.attempt, clinic.id);
    if (known?.sha256 === submission.sha256) return known.receipt;
    const checking = this.#accepting.get(clinic.id);
    if (checking?.sha256 === submission.sha256) return checking.receipt;
    // Counted while the store was asked: what the round counts must not be replaced on disk.
    const { round } = actor.state;
    if (
      !known &&
      round?.phase === 'open' &&
      round.attempt === submission.attempt &&
      round.updates.some((u) => u.clinic === clinic.id)
    )
      return this.accept(clinic, submission);

    const another = known !== null || checking !== undefined;
    const receipt = another ? this.#conflict(clinic, submission) : this.#take(clinic, submission);
    if (!checking) this.#accepting.set(clinic.id, { sha256: submission.sha256, receipt });
    try {
      return await receipt;
    } catch (thrown) {
      await this.#recordRefusal(clinic, submission, asLentigoError(thrown));
      throw thrown;
    } finally {
      if (this.#accepting.get(clinic.id)?.receipt === receipt) this.#accepting.delete(clinic.id);
    }
  }

  /**
   * Takes it that a clinic can't deliver in this attempt, once.
   * @throws LENTIGO_UPDATE_LATE, LENTIGO_ROUND_UNKNOWN, LENTIGO_UPDATE_OTHER_ROUND
   */
  async decline({ id, name }: ClinicRecord, { round, attempt, code }: Decline): Promise<void> {
    const { actor, now, log } = this.#parts;
    await actor.serially(async (dispatch) => {
      this.openRound(id, { round, attempt });
      const taken = await dispatch(
        { type: 'decline', attempt, decline: { clinic: id, name, code }, now: now() },
        { actor: id, detail: { clinic: id, name, round, attempt, code } },
      );
      if (taken) log.warn({ clinic: id, round, code }, `${name} declined round ${round}: ${code}`);
    });
  }

  async #conflict(clinic: ClinicRecord, { round }: Submission): Promise<never> {
    throw new LentigoError(
      'LENTIGO_UPDATE_CONFLICT',
      `Clinic ${clinic.id} already sent another update in round ${round}.`,
    );
  }

  async #take(clinic: ClinicRecord, submission: Submission): Promise<Signed> {
    const { actor, store, secretKey } = this.#parts;
    const { round, attempt } = submission;
    const checked = await this.#check(clinic, submission);
    const sign = (audit: string): Signed => {
      const { sha256, samples } = checked;
      const study = actor.state.id;
      const receipt: Receipt = { study, round, attempt, clinic: clinic.id, sha256, samples, audit };
      return signMessage(TAGS.receipt, receipt, secretKey);
    };
    const committed = await actor.serially(async (dispatch) => {
      this.openRound(clinic.id, submission); // the round may have closed while the update was checked
      return dispatch(
        { type: 'update', attempt, update: { clinic: clinic.id, ...checked } },
        { actor: clinic.id, detail: { clinic: clinic.id, round, attempt, ...checked } },
        { update: { clinic: clinic.id, receipt: sign } },
      );
    });
    const receipt = committed?.receipt ?? (await store.receipt(attempt, clinic.id))?.receipt;
    if (!receipt)
      throw new LentigoError(
        'LENTIGO_UPDATE_LATE',
        `Round ${round} closed while the update was checked.`,
      );
    return receipt;
  }

  /** Moves the upload to where no upload can change it, and then reads it to its end. */
  async #check(clinic: ClinicRecord, submission: Submission): Promise<CheckedUpdate> {
    const { actor, files, inbox, aggregator, log } = this.#parts;
    const { attempt, sha256 } = submission;
    const { from } = this.openRound(clinic.id, submission);
    const { id: study, config } = actor.state;
    const roundSecretKey = await files.loadKey(attempt);
    const sent = { attempt, clinic: clinic.id, sha256 };
    const upload = await inbox.finished(sent).catch(async (thrown: unknown) => {
      // A coordinator killed before it recorded the update left it there already.
      if (await files.has(attempt, clinic.id)) return null;
      throw thrown;
    });
    if (upload) await files.adopt(attempt, clinic.id, upload);
    const expected = {
      study,
      round: submission.round,
      attempt,
      clinic: clinic.id,
      clinicKey: clinic.key,
      base: from.parameters.sha256,
      count: this.#count(),
      ...config.updates,
    };
    const path = files.path(attempt, clinic.id);
    const began = performance.now();
    try {
      const checked = await aggregator.check({ path, expected, roundSecretKey });
      if (checked.sha256 !== sha256)
        throw new LentigoError(
          'LENTIGO_UPDATE_ALTERED',
          'The uploaded bytes are not those that were submitted.',
        );
      const ms = Math.round(performance.now() - began);
      const { bytes } = checked;
      log.info({ clinic: clinic.id, round: submission.round, bytes, ms }, 'update checked');
      return checked;
    } catch (thrown) {
      await files.discard(attempt, clinic.id);
      throw thrown;
    }
  }

  async #recordRefusal(
    clinic: ClinicRecord,
    { round, attempt, sha256 }: Submission,
    error: LentigoError,
  ): Promise<void> {
    const { actor, store, log } = this.#parts;
    const { code } = error;
    log.warn({ clinic: clinic.id, round, code }, `update refused: ${error.message}`);
    // Nothing is wrong with the update: the clinic sends it again.
    if (waits(error) || code === 'LENTIGO_UNREACHABLE') return;
    const refusals = this.#countRefusal(clinic.id);
    if (!isRecorded(refusals)) return;
    const detail = { clinic: clinic.id, round, attempt, sha256, code, refusals };
    await actor
      .serially(() =>
        store.record(actor.state.id, [{ actor: clinic.id, action: 'update-refused', detail }]),
      )
      .catch((thrown: unknown) => {
        // The clinic hears why it was refused all the same; a later record counts this one.
        if (!waits(thrown)) throw thrown;
        log.warn({ err: thrown, clinic: clinic.id, round, code }, 'a refusal was not recorded');
      });
  }

  /** @returns how often this clinic was refused since the round in flight began */
  #countRefusal(clinic: string): number {
    const attempt = this.#parts.actor.state.round?.attempt;
    if (this.#refused.attempt !== attempt) this.#refused = { attempt, counts: new Map() };
    const { counts } = this.#refused;
    const refusals = (counts.get(clinic) ?? 0) + 1;
    counts.set(clinic, refusals);
    return refusals;
  }

  /** Values in the study's trainable parameters. */
  #count(): number {
    const { study, actor } = this.#parts;
    const { trainFrom } = actor.state.config.training;
    return trainableCount(study.architecture, study.labels.names.length, trainFrom);
  }
}
