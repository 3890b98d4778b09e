// The clinics' socket.io namespace: both sides prove their identity first; then clinics send
// requests, and the coordinator announces rounds.
import type { Logger } from 'pino';
import type { Namespace, Socket } from 'socket.io';
import { fromBase64 } from '../../common/crypto/base64.js';
import {
  challengeSignature,
  type ChallengeTerms,
  verifyChallenge,
} from '../../common/crypto/challenge.js';
import { createNonce } from '../../common/crypto/enrolment.js';
import { clinicIdOf } from '../../common/crypto/identity.js';
import { asLentigoError, LentigoError } from '../../common/errors.js';
import { PROTOCOL } from '../../common/protocol/primitives.js';
import { UPLOADS_PATH } from '../../common/protocol/routes.js';
import { clinicEvents } from '../../common/protocol/socket-events.js';
import { onMessages, onRequests } from '../../common/protocol/sockets.js';
import type { AddressOf, FailureLimit } from '../access/failure-limit.js';
import { publicError } from '../access/public-error.js';
import type { Tickets } from '../access/tickets.js';
import type { Studies } from '../rounds/studies.js';
import type { Keys } from '../storage/keys.js';
import type { ClinicRecord } from '../rounds/records.js';
import type { Store } from '../storage/store.js';
import type { Connection, Presence } from './presence.js';
import { recordTwice } from './twice.js';

export interface GatewayParts {
  readonly store: Store;
  readonly keys: Keys;
  readonly studies: Studies;
  readonly presence: Presence;
  readonly tickets: Tickets;
  /** Counts failed challenges. */
  readonly challenges: FailureLimit;
  readonly addressOf: AddressOf;
  readonly log: Logger;
}

/** A connection that hasn't proved its identity within this time is closed. */
const PROOF_DEADLINE_MS = 20_000;

/** A connection that another took the place of is closed when it has not done so within this time. */
const DISPLACE_MS = 5_000;

const HANDSHAKE = new Set(Object.keys(clinicEvents.handshake));
/** The events that a clinic may send once it has proved its identity. */
const MEMBER_EVENTS = new Set([
  ...Object.keys(clinicEvents.requests),
  ...Object.keys(clinicEvents.fromClinic),
]);

export function serveClinics(namespace: Namespace, parts: GatewayParts): void {
  recordTwice(parts);
  namespace.on('connection', (socket) => serveConnection(socket, parts));
}

/** Serves a new connection: until it has proved its identity, only the handshake is answered. */
function serveConnection(socket: Socket, parts: GatewayParts): void {
  const { store, keys, studies, challenges, addressOf } = parts;
  const timer = setTimeout(() => socket.disconnect(true), PROOF_DEADLINE_MS);
  socket.on('disconnect', () => clearTimeout(timer));
  let terms: (ChallengeTerms & { readonly clinic: string; readonly instance: string }) | undefined;
  let connection: Connection | undefined;
  let greeted = false;
  let joined = false;

  onRequests(
    socket,
    clinicEvents.handshake,
    {
      hello: async (hello) => {
        studies.runner(hello.study); // refuses an unknown study
        if (greeted)
          throw new LentigoError(
            'LENTIGO_CHALLENGE_FAILED',
            'A connection may send hello only once.',
          );
        greeted = true;
        const clinic = await clinicIdOf(fromBase64(hello.key));
        const { publicKey } = await store.study(hello.study);
        const nonce = createNonce();
        terms = {
          role: 'clinic',
          study: hello.study,
          clinic,
          coordinatorKey: publicKey,
          clinicKey: hello.key,
          coordinatorNonce: nonce,
          clinicNonce: hello.nonce,
          instance: hello.instance,
        };
        const signature = challengeSignature(
          { ...terms, role: 'coordinator' },
          await keys.studyKey(hello.study),
        );
        return { protocol: PROTOCOL, study: hello.study, key: publicKey, nonce, signature };
      },
      prove: async ({ signature }) => {
        if (!terms || joined)
          throw new LentigoError(
            'LENTIGO_CHALLENGE_FAILED',
            'A proof must follow a hello, and only once, unless the clinic waits for approval.',
          );
        verifyChallenge(terms, signature);
        const clinic = await store.clinic(terms.study, terms.clinic);
        // While it waits for approval it stays connected, and proves itself again now and then.
        if (clinic.state !== 'revoked') connection ??= connect(socket, clinic, terms, parts);
        if (connection) clearTimeout(timer);
        requireApproval(clinic);
        if (joined) return studies.runner(clinic.study).notice(); // proved twice at once
        joined = true;
        serveMember(socket, clinic, connection!, parts);
        return studies.runner(clinic.study).notice();
      },
    },
    {
      around: async (work) => {
        await challenges.check(addressOf(socket.request));
        await work();
      },
      onError: (thrown, event) => refusal(thrown, event, socket, parts),
    },
  );

  // Unknown events are answered too, instead of ignored.
  socket.onAny((event: string, ...rest: unknown[]) => {
    if (HANDSHAKE.has(event) || (joined && MEMBER_EVENTS.has(event))) return;
    const error = joined
      ? new LentigoError('LENTIGO_MESSAGE_INVALID', `There is no message ${event}.`)
      : new LentigoError('LENTIGO_CHALLENGE_FAILED', `${event} came before the proof of identity.`);
    const acknowledge = rest.at(-1);
    const { code, message, remedy } = refusal(error, event, socket, parts);
    if (typeof acknowledge === 'function')
      acknowledge({ ok: false, error: { code, message, remedy } });
  });
}

/**
 * Requires that the clinic is approved.
 * @throws LENTIGO_CLINIC_REVOKED, LENTIGO_CLINIC_NOT_APPROVED
 */
function requireApproval({ id, name, state }: ClinicRecord): void {
  if (state === 'revoked')
    throw new LentigoError(
      'LENTIGO_CLINIC_REVOKED',
      `Clinic ${name} (${id}) was withdrawn from this study.`,
    );
  if (state === 'pending')
    throw new LentigoError(
      'LENTIGO_CLINIC_NOT_APPROVED',
      `Clinic ${name} (${id}) waits for the study coordinator's approval.`,
    );
}

/** Adds a clinic that has proved its identity to those present, until it disconnects. */
function connect(
  socket: Socket,
  { study, id, name, state }: ClinicRecord,
  { instance }: { readonly instance: string },
  { presence, log }: GatewayParts,
): Connection {
  const connection: Connection = {
    instance,
    send: (event, message) => void socket.emit(event, message),
    close: () => void socket.disconnect(true),
    displace: () =>
      new Promise((resolve) => {
        const unheard = setTimeout(() => socket.disconnect(true), DISPLACE_MS);
        socket.once('disconnect', (reason) => {
          clearTimeout(unheard);
          resolve(reason === 'client namespace disconnect');
        });
        socket.emit('dismissed', { code: 'LENTIGO_CLINIC_ELSEWHERE' });
      }),
  };
  socket.on('disconnect', () => {
    presence.leave(study, id, connection);
    log.info({ study, clinic: id }, `${name} left`);
  });
  if (state === 'pending') {
    presence.join(study, id, connection, false);
    log.info({ study, clinic: id }, `${name} connected, and waits for approval`);
  }
  return connection;
}

/** Answers the requests of a clinic that takes part. */
function serveMember(
  socket: Socket,
  clinic: ClinicRecord,
  connection: Connection,
  parts: GatewayParts,
): void {
  const { studies, presence, tickets, log } = parts;
  const { study, id, name } = clinic;
  const runner = studies.runner(study);

  onRequests(
    socket,
    clinicEvents.requests,
    {
      ticket: async ({ round, attempt, sha256, bytes }) => {
        runner.intake.openRound(id, { round, attempt });
        const limit = runner.intake.largestUpdate();
        if (bytes > limit)
          throw new LentigoError(
            'LENTIGO_UPDATE_LENGTH',
            `An update of this study has at most ${limit} bytes, not ${bytes}.`,
          );
        return {
          path: UPLOADS_PATH,
          token: tickets.issue({ study, attempt, clinic: id, sha256, bytes }),
        };
      },
      submit: (submission) => runner.intake.accept(clinic, submission),
      models: () => runner.models(),
      decline: async (decline) => {
        await runner.intake.decline(clinic, decline);
        return {};
      },
    },
    { onError: (thrown, event) => refusal(thrown, event, socket, parts) },
  );
  onMessages(socket, clinicEvents.fromClinic, {
    progress: (progress) => presence.report(study, id, progress),
  });

  // After the acknowledgement of `prove`, because only then the clinic listens for rounds.
  setImmediate(() => {
    if (!socket.connected) return;
    presence.join(study, id, connection);
    log.info({ study, clinic: id }, `${name} connected`);
    const announcement = runner.announcement(id);
    if (announcement) connection.send('round', announcement);
  });
}

/**
 * The answer to a failed request. A failed proof of identity, by a wrong signature or an unknown
 * clinic, is counted, and its connection is closed.
 */
function refusal(
  thrown: unknown,
  event: string,
  socket: Socket,
  { challenges, addressOf, log }: GatewayParts,
): LentigoError {
  const error = asLentigoError(thrown);
  const { code } = error;
  if (code === 'LENTIGO_INTERNAL') log.error({ err: thrown, event }, `${event} failed`);
  if (code === 'LENTIGO_CHALLENGE_FAILED' || code === 'LENTIGO_CLINIC_UNKNOWN')
    void challenges.failed(addressOf(socket.request));
  if (code === 'LENTIGO_CHALLENGE_FAILED' || code === 'LENTIGO_RATE_LIMITED')
    setImmediate(() => socket.disconnect(true));
  return publicError(error);
}
