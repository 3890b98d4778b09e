// The clinics' socket.io namespace: mutual challenge first, then small typed messages, each checked
// by its schema and acknowledged.
import type { Logger } from 'pino';
import type { Namespace, Socket } from 'socket.io';
import { z } from 'zod';
import { fromBase64 } from '../../common/crypto/base64.js';
import {
  challengeSignature,
  type ChallengeTerms,
  verifyChallenge,
} from '../../common/crypto/challenge.js';
import { createNonce } from '../../common/crypto/enrolment.js';
import { clinicIdOf } from '../../common/crypto/identity.js';
import { asLentigoError, LentigoError } from '../../common/errors.js';
import { type Challenge, Hello, Proof } from '../../common/protocol/handshake.js';
import { PROTOCOL } from '../../common/protocol/primitives.js';
import {
  Progress,
  type StudyNotice,
  Submission,
  type Ticket,
  TicketRequest,
} from '../../common/protocol/round.js';
import { told } from '../http/errors.js';
import type { AddressOf, FailureLimit } from '../access/failure-limit.js';
import { UPLOADS_PATH } from '../http/uploads.js';
import type { Studies } from '../rounds/studies.js';
import type { Keys } from '../storage/keys.js';
import type { ClinicRecord } from '../rounds/records.js';
import type { Store } from '../storage/store.js';
import type { Presence, Connection } from './presence.js';
import type { Tickets } from '../access/tickets.js';

export interface GatewayParts {
  readonly store: Store;
  readonly keys: Keys;
  readonly studies: Studies;
  readonly presence: Presence;
  readonly tickets: Tickets;
  /** Of failed challenges. */
  readonly challenges: FailureLimit;
  readonly addressOf: AddressOf;
  readonly log: Logger;
}

/** A connection that hasn't proved its identity by then is closed. */
const PROOF_DEADLINE_MS = 20_000;

/** What a clinic may send once it has proved its identity. */
const MEMBER_EVENTS: ReadonlySet<string> = new Set(['ticket', 'submit', 'progress']);

export function serveClinics(namespace: Namespace, parts: GatewayParts): void {
  namespace.on('connection', (socket) => {
    const timer = setTimeout(() => socket.disconnect(true), PROOF_DEADLINE_MS);
    socket.on('disconnect', () => clearTimeout(timer));
    let terms: (ChallengeTerms & { readonly clinic: string }) | undefined;
    let greeted = false;
    let joined = false;

    answer(socket, 'hello', z.unknown(), parts, async (message): Promise<Challenge> => {
      await parts.challenges.check(parts.addressOf(socket.request));
      checkVersion(message);
      const hello = parse(Hello, message, 'hello');
      parts.studies.runner(hello.study); // refuses an unknown study
      if (greeted)
        throw new LentigoError('LENTIGO_CHALLENGE_FAILED', 'A connection has one hello.');
      greeted = true;
      const clinic = await clinicIdOf(fromBase64(hello.key));
      const { publicKey } = await parts.store.study(hello.study);
      const nonce = createNonce();
      terms = {
        role: 'clinic',
        study: hello.study,
        clinic,
        coordinatorKey: publicKey,
        clinicKey: hello.key,
        coordinatorNonce: nonce,
        clinicNonce: hello.nonce,
      };
      const signature = challengeSignature(
        { ...terms, role: 'coordinator' },
        await parts.keys.studyKey(hello.study),
      );
      return { protocol: PROTOCOL, study: hello.study, key: publicKey, nonce, signature };
    });

    answer(socket, 'prove', Proof, parts, async ({ signature }): Promise<StudyNotice> => {
      await parts.challenges.check(parts.addressOf(socket.request));
      if (!terms || joined)
        throw new LentigoError('LENTIGO_CHALLENGE_FAILED', 'A proof belongs after a hello, once.');
      const { study, clinic: id } = terms;
      verifyChallenge(terms, signature);
      const clinic = await parts.store.clinic(study, id);
      if (clinic.state === 'revoked')
        throw new LentigoError(
          'LENTIGO_CLINIC_REVOKED',
          `Clinic ${clinic.name} (${id}) was withdrawn from this study.`,
        );
      if (clinic.state === 'pending')
        throw new LentigoError(
          'LENTIGO_CLINIC_NOT_APPROVED',
          `Clinic ${clinic.name} (${id}) waits for the study coordinator's approval.`,
        );
      clearTimeout(timer);
      joined = true;
      serveMember(socket, clinic, parts);
      return parts.studies.runner(study).notice();
    });

    // What has no place here gets an answer too, instead of silence.
    socket.onAny((event: string, ...rest: unknown[]) => {
      if (event === 'hello' || event === 'prove' || (joined && MEMBER_EVENTS.has(event))) return;
      refuse(
        socket,
        rest.at(-1),
        parts,
        joined
          ? new LentigoError('LENTIGO_MESSAGE_INVALID', `There is no message ${event}.`)
          : new LentigoError(
              'LENTIGO_CHALLENGE_FAILED',
              `${event} came before the proof of identity.`,
            ),
      );
    });
  });
}

/** What a clinic that has proved its identity may ask. */
function serveMember(socket: Socket, clinic: ClinicRecord, parts: GatewayParts): void {
  const { studies, presence, tickets, log } = parts;
  const runner = studies.runner(clinic.study);
  const connection: Connection = {
    send: (event, message) => void socket.emit(event, message),
    close: () => void socket.disconnect(true),
  };
  socket.on('disconnect', () => {
    presence.leave(clinic.study, clinic.id, connection);
    log.info({ study: clinic.study, clinic: clinic.id }, `${clinic.name} left`);
  });

  answer(
    socket,
    'ticket',
    TicketRequest,
    parts,
    async ({ round, attempt, sha256, bytes }): Promise<Ticket> => {
      runner.intake.openRound(clinic.id, { round, attempt });
      const limit = runner.intake.largestUpdate();
      if (bytes > limit)
        throw new LentigoError(
          'LENTIGO_UPDATE_LENGTH',
          `An update of this study has at most ${limit} bytes, not ${bytes}.`,
        );
      return {
        path: UPLOADS_PATH,
        token: tickets.issue({ study: clinic.study, attempt, clinic: clinic.id, sha256, bytes }),
      };
    },
  );
  answer(socket, 'submit', Submission, parts, (submission) =>
    runner.intake.accept(clinic, submission),
  );
  socket.on('progress', (message: unknown) => {
    const progress = Progress.safeParse(message);
    if (progress.success) presence.report(clinic.study, clinic.id, progress.data);
  });

  // After the acknowledgement of `prove`: the clinic then listens for rounds.
  setImmediate(() => {
    if (!socket.connected) return;
    presence.join(clinic.study, clinic.id, connection);
    log.info({ study: clinic.study, clinic: clinic.id }, `${clinic.name} connected`);
    const announcement = runner.announcement(clinic.id);
    if (announcement) socket.emit('round', announcement);
  });
}

/** Registers a request: parsed by its schema, answered with { ok, value } or { ok, error }. */
function answer<T extends z.ZodType>(
  socket: Socket,
  event: string,
  schema: T,
  parts: GatewayParts,
  handle: (message: z.infer<T>) => Promise<unknown>,
): void {
  socket.on(event, (message: unknown, acknowledge: unknown) => {
    if (typeof acknowledge !== 'function') return; // nobody listens for the answer
    const reply = (value: unknown) => void acknowledge(value);
    void (async () => {
      try {
        reply({ ok: true, value: await handle(parse(schema, message, event)) });
      } catch (thrown) {
        const error = asLentigoError(thrown);
        if (error.code === 'LENTIGO_INTERNAL')
          parts.log.error({ err: thrown, event }, `${event} failed`);
        refuse(socket, acknowledge, parts, told(error));
      }
    })();
  });
}

/**
 * Answers with the error. Who fails the proof of identity, by a wrong one or as an unknown clinic,
 * is counted; a connection that failed it is over.
 */
function refuse(
  socket: Socket,
  acknowledge: unknown,
  { challenges, addressOf }: GatewayParts,
  error: LentigoError,
): void {
  if (typeof acknowledge === 'function') acknowledge({ ok: false, error: error.body() });
  if (error.code === 'LENTIGO_CHALLENGE_FAILED' || error.code === 'LENTIGO_CLINIC_UNKNOWN')
    void challenges.failed(addressOf(socket.request));
  if (error.code === 'LENTIGO_CHALLENGE_FAILED' || error.code === 'LENTIGO_RATE_LIMITED')
    setImmediate(() => socket.disconnect(true));
}

function parse<T extends z.ZodType>(schema: T, message: unknown, event: string): z.infer<T> {
  const parsed = schema.safeParse(message);
  if (!parsed.success)
    throw new LentigoError('LENTIGO_MESSAGE_INVALID', `${event}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** Before anything else of `hello` is read, so that another version gets a clear answer. */
function checkVersion(message: unknown): void {
  const version = z.object({ protocol: z.int() }).safeParse(message);
  if (version.success && version.data.protocol !== PROTOCOL) {
    throw new LentigoError(
      'LENTIGO_PROTOCOL_VERSION',
      `The clinic speaks protocol ${version.data.protocol}, this coordinator ${PROTOCOL}.`,
    );
  }
}
