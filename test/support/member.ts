// A clinic that speaks the protocol message by message with real keys, so that a test can get any
// one of them wrong.
import { createHash } from 'node:crypto';
import { io, type Socket } from 'socket.io-client';
import { challengeSignature } from '../../common/crypto/challenge.js';
import { fromBase64, toBase64 } from '../../common/crypto/base64.js';
import { createNonce, enrolRequest } from '../../common/crypto/enrolment.js';
import { sealUpdate, type UpdateClaims } from '../../common/crypto/envelope.js';
import { clinicIdOf, createIdentity, type Identity } from '../../common/crypto/identity.js';
import { openSigned } from '../../common/crypto/signed.js';
import { TAGS } from '../../common/crypto/signature.js';
import type { ErrorCode } from '../../common/errors.js';
import { trainableSpecs } from '../../common/model/architecture.js';
import {
  type EnrolAnswer,
  type Invitation,
  parseInvitation,
} from '../../common/protocol/enrolment.js';
import type { Challenge } from '../../common/protocol/handshake.js';
import { errorInBody } from '../../common/protocol/error-body.js';
import { PROTOCOL } from '../../common/protocol/primitives.js';
import { routes } from '../../common/protocol/routes.js';
import { clinicEvents } from '../../common/protocol/socket-events.js';
import type { Acknowledgement } from '../../common/protocol/sockets.js';
import {
  type Announcement,
  Delivery,
  Receipt,
  type Signed,
  type StudyNotice,
  type Ticket,
} from '../../common/protocol/round.js';
import { RoundTerms } from '../../common/protocol/terms.js';
import { Random } from '../../common/random.js';
import { encodings } from '../../common/update/encoding.js';
import { sizeOf } from '../../common/update/parameter-set.js';
import type { ConsoleClient } from '../../coordinator/console-client.js';

/** A round as one clinic was told of it: its terms, and the time that was left then. */
export type AnnouncedRound = RoundTerms & { readonly remainingMs: number };

/** What names a round in messages. */
export type RoundAt = Pick<RoundTerms, 'round' | 'attempt'>;

export interface HttpAnswer {
  readonly status: number;
  readonly code: ErrorCode | undefined;
  readonly body: unknown;
}

export async function httpAnswer(response: Response): Promise<HttpAnswer> {
  const text = await response.text();
  const body: unknown = text.startsWith('{') ? JSON.parse(text) : text;
  return { status: response.status, code: errorInBody(text)?.code, body };
}

export const postEnrolment = async (url: string, body: unknown): Promise<HttpAnswer> =>
  httpAnswer(
    await fetch(url + routes.enrol.path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  );

export const sha256 = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

/** What a test changes about an update, from the claims to the values. */
export interface UpdateChanges {
  readonly claims?: Partial<UpdateClaims>;
  readonly delta?: Float32Array;
  /** In place of the encoded delta. */
  readonly payload?: Uint8Array;
  readonly identity?: Identity;
  readonly roundKey?: string;
}

export class Member {
  readonly url: string;
  readonly study: string;
  /** The study's key as the invitation pins it. */
  readonly studyKey: string;
  readonly identity: Identity;
  readonly id: string;
  #socket: Socket | undefined;
  #announcements: AnnouncedRound[] = [];
  #listeners = new Set<() => void>();
  /** Everything else that the coordinator sent: event and message. */
  readonly heard: [string, unknown][] = [];
  /** The address of this machine that it connects from (Linux: any of 127.0.0.0/8). */
  from: string | undefined;
  disconnects: string[] = [];
  /** Of its process, as it says. */
  instance = createNonce();

  private constructor(invitation: Invitation, identity: Identity, id: string) {
    ({ url: this.url, study: this.study, key: this.studyKey } = invitation);
    this.identity = identity;
    this.id = id;
  }

  /** Enrolled with a fresh invitation, pending. */
  static async enrolled(
    admin: ConsoleClient,
    study: string,
    name = 'Test clinic',
  ): Promise<Member> {
    const invitation = parseInvitation((await admin.invite(study, name, 1)).invitation);
    const identity = createIdentity();
    const { status, body } = await postEnrolment(
      invitation.url,
      enrolRequest({ study, secret: invitation.secret, name }, identity),
    );
    if (status !== 200) throw new Error(`enrolment answered ${status}: ${JSON.stringify(body)}`);
    return new Member(invitation, identity, (body as EnrolAnswer).clinic);
  }

  /** Enrolled and approved. */
  static async approved(admin: ConsoleClient, study: string, name?: string): Promise<Member> {
    const member = await Member.enrolled(admin, study, name);
    await admin.decide(study, member.id, 'approve');
    return member;
  }

  /** Enrolled nowhere. */
  static async stranger(like: Member): Promise<Member> {
    const identity = createIdentity();
    const { url, study, studyKey: key } = like;
    return new Member(
      { protocol: PROTOCOL, url, study, key, secret: '', expires: '', clinic: 'Nobody' },
      identity,
      await clinicIdOf(identity.publicKey),
    );
  }

  /** Another process with the same identity, as of a home that was copied. */
  twin(): Member {
    const { url, study, studyKey: key } = this;
    const invitation = { protocol: PROTOCOL, url, study, key, secret: '', expires: '', clinic: '' };
    return new Member(invitation, this.identity, this.id);
  }

  /** A socket that has proved nothing yet. */
  async open(url = this.url): Promise<Socket> {
    this.close();
    const socket = io(url + clinicEvents.namespace, {
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
      ...(this.from && { localAddress: this.from }),
    });
    this.#socket = socket;
    socket.onAny((event: string, message: unknown) => {
      if (event === 'round') this.#announcements.push(this.#opened(message as Announcement));
      else this.heard.push([event, message]);
      for (const listener of this.#listeners) listener();
    });
    socket.on('disconnect', (reason) => {
      this.disconnects.push(reason);
      for (const listener of this.#listeners) listener();
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('connect_error', reject);
    });
    return socket;
  }
  close(): void {
    this.#socket?.disconnect();
    this.#socket = undefined;
  }
  get connected(): boolean {
    return this.#socket?.connected ?? false;
  }

  /** One request on the socket. Rejects when no answer comes. */
  async ask<T = unknown>(event: string, message: unknown): Promise<Acknowledgement<T>> {
    return (await this.#socket!.timeout(60_000).emitWithAck(event, message)) as Acknowledgement<T>;
  }
  tell(event: string, message: unknown): void {
    this.#socket!.emit(event, message);
  }

  /** `hello`, answered by the coordinator's challenge; and the terms that `prove` signs. */
  async hello() {
    const clinicKey = toBase64(this.identity.publicKey);
    const clinicNonce = createNonce();
    const answer = await this.ask<Challenge>('hello', {
      protocol: PROTOCOL,
      study: this.study,
      key: clinicKey,
      nonce: clinicNonce,
      instance: this.instance,
    });
    const terms = (c: Challenge) => ({
      role: 'clinic' as const,
      study: this.study,
      coordinatorKey: this.studyKey,
      clinicKey,
      coordinatorNonce: c.nonce,
      clinicNonce,
    });
    return { answer, terms };
  }

  /** Connects and proves its identity, or that of another. */
  async join(as: Identity = this.identity): Promise<Acknowledgement<StudyNotice>> {
    await this.open();
    const { answer, terms } = await this.hello();
    if (!answer.ok) return answer;
    return this.ask<StudyNotice>('prove', {
      signature: challengeSignature(terms(answer.value), as.secretKey),
    });
  }

  /**
   * Resolves when `look` finds something in what the coordinator sent; looked at again at each
   * message.
   */
  async until<T>(look: () => T | undefined | false, seconds = 60): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#listeners.delete(listener);
        reject(
          new Error(
            `not within ${seconds} s; heard ${JSON.stringify(this.heard)}, disconnects ${this.disconnects.join()}`,
          ),
        );
      }, seconds * 1000);
      const listener = () => {
        const found = look();
        if (found === undefined || found === false) return;
        clearTimeout(timer);
        this.#listeners.delete(listener);
        resolve(found);
      };
      this.#listeners.add(listener);
      listener();
    });
  }
  #opened({ terms, delivery }: Announcement): AnnouncedRound {
    const key = fromBase64(this.studyKey);
    const { terms: hash, remainingMs } = openSigned(TAGS.delivery, Delivery, delivery, key);
    if (hash !== sha256(Buffer.from(terms.body))) throw new Error('a time for other terms');
    return { ...openSigned(TAGS.terms, RoundTerms, terms, key), remainingMs };
  }
  /** The first announcement of a round, past or future, of another attempt than `but`. */
  round(number: number, but?: string): Promise<AnnouncedRound> {
    return this.until(() =>
      this.#announcements.find((a) => a.round === number && a.attempt !== but),
    );
  }
  /** The last announcement that came. */
  get latest(): AnnouncedRound | undefined {
    return this.#announcements.at(-1);
  }
  get announced(): number {
    return this.#announcements.length;
  }
  disconnected(): Promise<string> {
    return this.until(() => this.disconnects.at(-1));
  }

  /** A whole sealed update for an announcement: right, unless changed. */
  async seal(
    announcement: AnnouncedRound,
    { claims, delta, payload, identity = this.identity, roundKey }: UpdateChanges = {},
  ): Promise<Uint8Array> {
    const { study, round, attempt, base } = announcement;
    const { encoding } = announcement.updates;
    const values = delta ?? deltaFor(announcement, `${this.id}/${round}`);
    return sealUpdate({
      header: {
        study,
        round,
        attempt,
        clinic: this.id,
        base: base.sha256,
        encoding,
        samples: 12,
        ...claims,
      },
      payload: payload ?? encodings.get(claims?.encoding ?? encoding).encode(values, new Random(1)),
      roundKey: roundKey ?? announcement.roundKey,
      identity,
    });
  }

  ticket(
    { round, attempt }: RoundAt,
    bytes: Uint8Array,
    changes: object = {},
  ): Promise<Acknowledgement<Ticket>> {
    return this.ask<Ticket>('ticket', {
      round,
      attempt,
      sha256: sha256(bytes),
      bytes: bytes.length,
      ...changes,
    });
  }
  submit({ round, attempt }: RoundAt, sha: string): Promise<Acknowledgement<Signed>> {
    return this.ask<Signed>('submit', { round, attempt, sha256: sha });
  }
  /**
   * Ticket, upload, submit. `claimed`: the bytes that the ticket and the submission are for, when
   * others are uploaded.
   */
  async send(
    announcement: RoundAt,
    bytes: Uint8Array,
    claimed = bytes,
  ): Promise<Acknowledgement<Signed>> {
    const ticket = await this.ticket(announcement, claimed);
    if (!ticket.ok) return ticket;
    const { path, token } = ticket.value;
    const made = await createUpload(this.url + path, token, bytes.length);
    if (made.status === 201)
      await patchUpload(new URL(made.location!, this.url).href, token, 0, bytes);
    return this.submit(announcement, sha256(claimed));
  }
  receipt(signed: Signed): Receipt {
    return openSigned(TAGS.receipt, Receipt, signed, fromBase64(this.studyKey));
  }
}

/** Small random values, as many as the round's trainable parameters have. */
export function deltaFor(
  { architecture, labels, training }: RoundTerms,
  seed: string,
  deviation = 0.01,
): Float32Array {
  const count = trainableSpecs(architecture, labels.names.length, training.trainFrom).reduce(
    (n, { shape }) => n + sizeOf(shape),
    0,
  );
  const random = new Random(seed);
  return Float32Array.from({ length: count }, () => random.normal(0, deviation));
}

// tus by hand: https://tus.io/protocols/resumable-upload

export async function createUpload(endpoint: string, token: string | undefined, length: number) {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'tus-resumable': '1.0.0',
      'upload-length': String(length),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
  });
  return { ...(await httpAnswer(response)), location: response.headers.get('location') };
}

export async function patchUpload(
  address: string,
  token: string,
  offset: number,
  bytes: Uint8Array,
): Promise<HttpAnswer> {
  const headers = {
    'tus-resumable': '1.0.0',
    'upload-offset': String(offset),
    'content-type': 'application/offset+octet-stream',
    authorization: `Bearer ${token}`,
  };
  return httpAnswer(
    await fetch(address, { method: 'PATCH', headers, body: new Uint8Array(bytes) }),
  );
}
