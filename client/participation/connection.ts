// The socket to the coordinator, usable only between a mutual proof of identity and the next
// disconnect. The proof is repeated on every reconnect.
import { io, type Socket } from 'socket.io-client';
import type { z } from 'zod';
import { challengeSignature, verifyChallenge } from '../../common/crypto/challenge.js';
import { createNonce, equalSecrets } from '../../common/crypto/enrolment.js';
import type { Identity } from '../../common/crypto/identity.js';
import { toBase64 } from '../../common/crypto/base64.js';
import { asLentigoError, LentigoError } from '../../common/errors.js';
import { networkError } from '../../common/network/failure.js';
import { PROTOCOL } from '../../common/protocol/primitives.js';
import type { Dismissed, StudyNotice } from '../../common/protocol/round.js';
import {
  clinicEvents,
  type ClinicRequests,
  type MessageHandlers,
  type ToClinic,
} from '../../common/protocol/socket-events.js';
import { onMessages, readAcknowledgement } from '../../common/protocol/sockets.js';
import type { Enrolment } from './enrolment.js';

const ACKNOWLEDGE_MS = 60_000;
const RETRY_MS = 3_000;
/** Delay after LENTIGO_RATE_LIMITED, whose limit is per minute. */
const LIMITED_RETRY_MS = 20_000;

export interface ConnectionOptions {
  /** Node's http.Agent by which sockets are opened; a browser has none. */
  readonly agent?: object | undefined;
}

export interface ConnectionHandlers {
  /** Called when both sides have proved their identity. */
  onProven(notice: StudyNotice): void;
  /**
   * Called when there is no connection or no proof; it retries by itself. Also called for an
   * invalid message, which is ignored.
   */
  onFailure(error: LentigoError): void;
  /** Handlers for the coordinator's messages, once it has proved its key. */
  readonly messages: Omit<MessageHandlers<ToClinic>, 'dismissed'>;
}

/** The requests that a clinic may send once both sides have proved their identity. */
type MemberRequests = (typeof clinicEvents)['requests'];
type FromClinic = (typeof clinicEvents)['fromClinic'];

const REQUESTS: ClinicRequests = { ...clinicEvents.handshake, ...clinicEvents.requests };

export class Connection {
  readonly #enrolment: Enrolment;
  readonly #identity: Identity;
  readonly #handlers: ConnectionHandlers;
  readonly #socket: Socket;
  /** Of this process: reconnecting, it is the same machine. */
  readonly #instance = createNonce();
  #proven = false;
  #closed = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(
    enrolment: Enrolment,
    identity: Identity,
    handlers: ConnectionHandlers,
    { agent }: ConnectionOptions,
  ) {
    this.#enrolment = enrolment;
    this.#identity = identity;
    this.#handlers = handlers;
    const { origin, pathname } = new URL(enrolment.url);
    this.#socket = io(origin + clinicEvents.namespace, {
      path: `${pathname.replace(/\/+$/, '')}/socket.io`,
      transports: ['websocket'],
      forceNew: true,
      reconnectionDelay: 500,
      reconnectionDelayMax: 10_000,
      autoConnect: false,
      // Its type knows the names of agents alone.
      ...(agent && { agent: agent as unknown as string }),
    });
    this.#socket.on('connect', () => void this.#prove());
    this.#socket.on('disconnect', (reason, details) => {
      const was = this.#proven;
      this.#proven = false;
      if (this.#closed) return;
      const why = reason === 'io server disconnect' ? 'it ended the connection' : reason;
      if (was) handlers.onFailure(networkError(enrolment.url, new Error(why, { cause: details })));
      // socket.io reconnects by itself, but not after the server ended the connection.
      if (reason === 'io server disconnect') this.#later();
    });
    this.#socket.on('connect_error', (error) => {
      if (this.#closed) return;
      handlers.onFailure(networkError(enrolment.url, error));
      if (!this.#socket.active) this.#later();
    });
    const messages = {
      ...handlers.messages,
      dismissed: ({ code }: Dismissed) => handlers.onFailure(dismissal(code, enrolment)),
    };
    onMessages(this.#socket, clinicEvents.fromCoordinator, messages, {
      trusted: () => this.#trusted,
      onInvalid: (error) => handlers.onFailure(error),
    });
  }

  /**
   * Whether the coordinator has proved its key on this connection. Until then its messages are
   * ignored.
   */
  #trusted = false;

  open(): void {
    this.#socket.connect();
  }

  close(): void {
    this.#closed = true;
    this.#proven = false;
    clearTimeout(this.#retry);
    this.#socket.disconnect();
  }

  /**
   * Sends a request, waiting as long as needed for a proven connection.
   * @throws the coordinator's own error; LENTIGO_UNREACHABLE when the connection broke before the
   *   answer; LENTIGO_MESSAGE_INVALID
   */
  async request<E extends keyof MemberRequests>(
    event: E,
    message: z.infer<MemberRequests[E]['in']>,
    signal: AbortSignal,
  ): Promise<z.infer<MemberRequests[E]['out']>> {
    while (!this.#proven)
      await aborted(signal, new Promise<void>((resolve) => this.#waiting.add(resolve)));
    return await aborted(signal, this.#ask(event, message));
  }

  /** Sends a message that may be lost. */
  tell<E extends keyof FromClinic>(event: E, message: z.infer<FromClinic[E]>): void {
    if (this.#proven) this.#socket.volatile.emit(event, message);
  }

  async #ask<E extends keyof ClinicRequests>(
    event: E,
    message: z.infer<ClinicRequests[E]['in']>,
  ): Promise<z.infer<ClinicRequests[E]['out']>> {
    let answer: unknown;
    try {
      answer = await this.#socket.timeout(ACKNOWLEDGE_MS).emitWithAck(event, message);
    } catch (cause) {
      throw networkError(this.#enrolment.url, cause);
    }
    const { out } = REQUESTS[event];
    return readAcknowledgement(out, answer, event) as z.infer<ClinicRequests[E]['out']>;
  }

  /**
   * The coordinator proves the study's key first; the clinic proves its own only to the key that
   * its invitation pinned.
   */
  async #prove(): Promise<void> {
    this.#trusted = false;
    const socket = this.#socket.id;
    try {
      const { study, key: pinned } = this.#enrolment;
      const clinicKey = toBase64(this.#identity.publicKey);
      const clinicNonce = createNonce();
      const challenge = await this.#ask('hello', {
        protocol: PROTOCOL,
        study,
        key: clinicKey,
        nonce: clinicNonce,
        instance: this.#instance,
      });
      if (challenge.study !== study || !equalSecrets(challenge.key, pinned)) {
        throw new LentigoError(
          'LENTIGO_CHALLENGE_FAILED',
          `${this.#enrolment.url} shows another key than the one this clinic was invited with.`,
        );
      }
      const terms = {
        study,
        coordinatorKey: pinned,
        clinicKey,
        coordinatorNonce: challenge.nonce,
        clinicNonce,
      };
      verifyChallenge({ ...terms, role: 'coordinator' }, challenge.signature);
      this.#trusted = true;
      const signature = challengeSignature({ ...terms, role: 'clinic' }, this.#identity.secretKey);
      const isCurrent = () => !this.#closed && this.#socket.id === socket;
      const notice = await this.#approved(signature, isCurrent);
      if (!notice || !isCurrent()) return;
      this.#proven = true;
      this.#handlers.onProven(notice);
      for (const resume of this.#waiting) resume();
      this.#waiting.clear();
    } catch (thrown) {
      if (this.#closed) return;
      const error = asLentigoError(thrown);
      this.#handlers.onFailure(error);
      if (this.#socket.connected && this.#socket.id === socket) {
        this.#socket.disconnect();
        this.#later(error.code === 'LENTIGO_RATE_LIMITED' ? LIMITED_RETRY_MS : RETRY_MS);
      }
    }
  }

  /**
   * The study's notice, once the clinic is approved; until then it stays connected and asks again.
   * Undefined when the connection is another by then.
   */
  async #approved(signature: string, isCurrent: () => boolean): Promise<StudyNotice | undefined> {
    for (; isCurrent(); await new Promise((resolve) => setTimeout(resolve, RETRY_MS))) {
      try {
        return await this.#ask('prove', { signature });
      } catch (thrown) {
        const error = asLentigoError(thrown);
        if (error.code !== 'LENTIGO_CLINIC_NOT_APPROVED') throw error;
        if (isCurrent()) this.#handlers.onFailure(error);
      }
    }
    return undefined;
  }

  #later(ms = RETRY_MS): void {
    clearTimeout(this.#retry);
    if (!this.#closed)
      this.#retry = setTimeout(() => this.#socket.connect(), ms * (0.75 + Math.random() / 2));
  }
}

/** Why the coordinator ended the connection for good. */
const dismissal = (code: Dismissed['code'], { name, url }: Enrolment): LentigoError =>
  new LentigoError(
    code,
    code === 'LENTIGO_CLINIC_ELSEWHERE'
      ? `Another machine connected to ${url} as "${name}".`
      : `Clinic "${name}" was withdrawn from this study.`,
  );

/** The promise's result, or a rejection with the signal's reason, whichever comes first. */
function aborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
