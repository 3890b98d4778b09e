// The other end of the protocol for the clinic's tests: a small coordinator with real keys,
// sockets, blobs and tus uploads, that can be told to misbehave.
import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStore } from '@tus/file-store';
import { Server as TusServer } from '@tus/server';
import express from 'express';
import { Server as SocketServer, type Socket } from 'socket.io';
import { fromBase64, toBase64 } from '../../common/crypto/base64.js';
import { memorySource } from '../support/memory-source.js';
import { challengeSignature, verifyChallenge } from '../../common/crypto/challenge.js';
import { createNonce, verifyEnrolRequest } from '../../common/crypto/enrolment.js';
import { openEnvelope, readEnvelope, verifyEnvelope } from '../../common/crypto/envelope.js';
import {
  clinicIdOf,
  createIdentity,
  createRoundKey,
  type Identity,
} from '../../common/crypto/identity.js';
import { signMessage } from '../../common/crypto/signed.js';
import { TAGS } from '../../common/crypto/signature.js';
import { asLentigoError, LentigoError } from '../../common/errors.js';
import { encodeModel, encodeParameters } from '../../common/model/encoding.js';
import { trainableSpecs } from '../../common/model/architecture.js';
import { PAD_UFES_LABELS } from '../../common/model/labels.js';
import { initialParameters } from '../../common/model/student.js';
import { EnrolRequest, type Invitation } from '../../common/protocol/enrolment.js';
import type { Hello } from '../../common/protocol/handshake.js';
import { PROTOCOL } from '../../common/protocol/primitives.js';
import { routes, UPLOADS_PATH } from '../../common/protocol/routes.js';
import type {
  Announcement,
  Decline,
  Progress,
  Receipt,
  Submission,
  StudyNotice,
} from '../../common/protocol/round.js';
import {
  clinicEvents,
  type MessageHandlers,
  type ToClinic,
} from '../../common/protocol/socket-events.js';
import { onMessages, onRequests } from '../../common/protocol/sockets.js';
import { TrainingPlan, UpdateSettings } from '../../common/protocol/study.js';
import type { RoundTerms } from '../../common/protocol/terms.js';
import type { StudyModels } from '../../common/protocol/study-models.js';
import type { UpdateHeader } from '../../common/protocol/update.js';
import { Random } from '../../common/random.js';
import { encodings } from '../../common/update/encoding.js';

const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const never = new Promise<never>(() => undefined);

export interface Accepted {
  readonly header: UpdateHeader;
  readonly sha256: string;
  readonly delta: Float32Array;
}

const TRAIN_FROM = 'classifier';
const PARAMETERS = initialParameters('nano', PAD_UFES_LABELS, new Random(1));
const TRAINABLE = new Set(
  trainableSpecs('nano', PAD_UFES_LABELS.names.length, TRAIN_FROM).map((s) => s.name),
);

export class Peer {
  readonly study = randomUUID();
  readonly identity: Identity = createIdentity();
  readonly #roundKey = createRoundKey();
  readonly start = encodeModel({
    architecture: 'nano',
    labels: PAD_UFES_LABELS,
    parameters: PARAMETERS,
  });
  readonly base = encodeParameters(PARAMETERS.subset(TRAINABLE));
  url = '';

  // What it saw.
  readonly enrolled: EnrolRequest[] = [];
  readonly accepted: Accepted[] = [];
  readonly declined: Decline[] = [];
  readonly progress: Progress[] = [];
  readonly blobRequests: string[] = [];
  proofs = 0;
  tickets = 0;
  uploadsCreated = 0;
  submissions = 0;

  // What it does wrong.
  /** Signs the challenge, and shows itself, with this key instead of the study's. */
  impostor: Identity | undefined;
  /** Signs announcements with this key. */
  forger: Identity | undefined;
  /** This many answers with a blob have one altered byte. */
  alteredBlobs = 0;
  /** This many answers with a blob end half-way. */
  cutBlobs = 0;
  /** Refuses the proof. */
  refuse: LentigoError | undefined;
  /** Says nothing to these requests any more; a `submit` is counted all the same. */
  silentTo = new Set<'ticket' | 'submit'>();
  /** Answers the next submissions with these instead. */
  submitErrors: LentigoError[] = [];

  /** Answers the next declines with these instead. */
  declineErrors: LentigoError[] = [];

  status: StudyNotice['status'] = 'running';
  /** What it says of its models; none where it is silent about them. */
  models: Pick<StudyModels, 'best' | 'last' | 'models'> = { best: null, last: null, models: [] };
  /** Blobs beside its own two. */
  readonly more: Uint8Array[] = [];
  /** Announced to whoever proves itself. */
  announcement: RoundTerms | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #io: SocketServer;
  #folder = '';

  private constructor() {
    const app = express();
    app.post(routes.enrol.path, express.json(), async (request, response) => {
      try {
        const enrolment = EnrolRequest.parse(request.body);
        verifyEnrolRequest(enrolment);
        if (this.enrolled.some((e) => e.key !== enrolment.key))
          throw new LentigoError('LENTIGO_INVITATION_USED', 'The invitation was used.');
        this.enrolled.push(enrolment);
        response.json({
          clinic: await clinicIdOf(fromBase64(enrolment.key)),
          study: this.study,
          studyName: 'peer',
          labels: PAD_UFES_LABELS,
          state: 'pending',
        });
      } catch (thrown) {
        const error = asLentigoError(thrown);
        response.status(error.httpStatus).json({ error: error.body() });
      }
    });
    app.get(routes.blob.path, (request, response) => {
      const blob = [this.start, this.base, ...this.more].find(
        (bytes) => sha(bytes) === request.params.sha256,
      )!;
      const from = Number(request.headers.range?.match(/^bytes=(\d+)-$/)?.[1] ?? 0);
      this.blobRequests.push(
        `${blob === this.start ? 'start' : blob === this.base ? 'base' : 'model'}@${from}`,
      );
      const bytes = Buffer.from(blob.subarray(from));
      if (this.alteredBlobs > 0) {
        this.alteredBlobs--;
        bytes[bytes.length - 1]! ^= 1;
      }
      response.status(from > 0 ? 206 : 200).set('content-length', String(bytes.length));
      if (this.cutBlobs > 0) {
        this.cutBlobs--;
        response.write(bytes.subarray(0, bytes.length >> 1), () =>
          setTimeout(() => response.socket?.destroy(), 50),
        );
      } else response.end(bytes);
    });
    app.use(UPLOADS_PATH, (request, response) => {
      if (request.headers.authorization !== 'Bearer ticket')
        return response.status(403).end('no ticket');
      request.url = request.originalUrl;
      return this.#tus.handle(request, response);
    });
    this.#server = createServer(app);
    this.#io = new SocketServer(this.#server, { transports: ['websocket'] });
    this.#io.of(clinicEvents.namespace).on('connection', (socket) => this.#serve(socket));
  }
  #tus!: TusServer;

  static async open(): Promise<Peer> {
    const peer = new Peer();
    peer.#folder = await mkdtemp(join(tmpdir(), 'lentigo-peer-'));
    peer.#tus = new TusServer({
      path: UPLOADS_PATH,
      datastore: new FileStore({ directory: peer.#folder }),
      relativeLocation: true,
      namingFunction: () => `upload-${++peer.uploadsCreated}`,
    });
    await new Promise<void>((resolve) => peer.#server.listen(0, '127.0.0.1', resolve));
    peer.url = `http://127.0.0.1:${(peer.#server.address() as AddressInfo).port}`;
    return peer;
  }

  async close(): Promise<void> {
    await this.#io.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  invitation(): Invitation {
    return {
      protocol: PROTOCOL,
      url: this.url,
      study: this.study,
      key: toBase64(this.identity.publicKey),
      secret: createNonce(),
      expires: new Date(Date.now() + 60_000).toISOString(),
      clinic: 'A clinic',
    };
  }

  /** A round for this clinic; with `send`, those who are connected hear of it at once. */
  announce(clinic: string, changes: Partial<RoundTerms> = {}): RoundTerms {
    this.announcement = {
      protocol: PROTOCOL,
      study: this.study,
      round: 1,
      attempt: randomUUID(),
      roundKey: toBase64(this.#roundKey.publicKey),
      architecture: 'nano',
      labels: PAD_UFES_LABELS,
      start: { sha256: sha(this.start), bytes: this.start.length },
      base: { sha256: sha(this.base), bytes: this.base.length },
      training: TrainingPlan.parse({ trainFrom: TRAIN_FROM, epochs: 1, batchSize: 4, variants: 1 }),
      updates: UpdateSettings.parse({ encoding: 'float32', maxSamples: 1000 }),
      clientPart: null,
      seed: 7,
      cohort: [clinic],
      ...changes,
    };
    for (const socket of this.#sockets) this.#sendRound(socket);
    return this.announcement;
  }

  send<E extends keyof ToClinic>(
    event: E,
    message: Parameters<MessageHandlers<ToClinic>[E]>[0],
  ): void {
    for (const socket of this.#sockets) socket.emit(event, message);
  }

  /** Ends every connection, as a network fault would. */
  cut(): void {
    for (const socket of this.#sockets) socket.conn.close();
  }

  notice(): StudyNotice {
    return { study: this.study, name: 'peer', status: this.status, round: 1, rounds: 3 };
  }

  #sendRound(socket: Socket): void {
    const { secretKey } = this.forger ?? this.identity;
    const terms = signMessage(TAGS.terms, this.announcement, secretKey);
    const delivery = { terms: sha(Buffer.from(terms.body)), remainingMs: 60_000 };
    const announcement: Announcement = {
      terms,
      delivery: signMessage(TAGS.delivery, delivery, secretKey),
    };
    socket.emit('round', announcement);
  }

  #serve(socket: Socket): void {
    let hello: Hello;
    const coordinatorNonce = createNonce();
    const coordinatorKey = () => toBase64((this.impostor ?? this.identity).publicKey);
    const terms = () => ({
      study: this.study,
      coordinatorKey: coordinatorKey(),
      clinicKey: hello.key,
      coordinatorNonce,
      clinicNonce: hello.nonce,
    });
    const onError = (thrown: unknown) => asLentigoError(thrown);
    onRequests(
      socket,
      clinicEvents.handshake,
      {
        hello: async (message) => {
          hello = message;
          const signature = challengeSignature(
            { ...terms(), role: 'coordinator' },
            (this.impostor ?? this.identity).secretKey,
          );
          return {
            protocol: PROTOCOL,
            study: this.study,
            key: coordinatorKey(),
            nonce: coordinatorNonce,
            signature,
          };
        },
        prove: async ({ signature }) => {
          this.proofs++;
          verifyChallenge({ ...terms(), role: 'clinic' }, signature);
          if (this.refuse) throw this.refuse;
          this.#sockets.add(socket);
          socket.on('disconnect', () => this.#sockets.delete(socket));
          if (this.announcement) setImmediate(() => this.#sendRound(socket));
          return this.notice();
        },
      },
      { onError },
    );
    onMessages(socket, clinicEvents.fromClinic, {
      progress: (progress) => void this.progress.push(progress),
    });
    onRequests(
      socket,
      clinicEvents.requests,
      {
        ticket: async () => {
          this.tickets++;
          if (this.silentTo.has('ticket')) return await never;
          return { path: UPLOADS_PATH, token: 'ticket' };
        },
        models: async () =>
          signMessage(
            TAGS.models,
            {
              study: this.study,
              status: this.status,
              start: { sha256: sha(this.start), bytes: this.start.length },
              trainFrom: TRAIN_FROM,
              select: 'balancedAccuracy',
              ...this.models,
            } satisfies StudyModels,
            (this.forger ?? this.identity).secretKey,
          ),
        decline: async (decline) => {
          const error = this.declineErrors.shift();
          if (error) throw error;
          this.declined.push(decline);
          return {};
        },
        submit: async (submission) => {
          const receipt = await this.#take(submission, hello.key);
          if (this.silentTo.has('submit')) return await never;
          return signMessage(TAGS.receipt, receipt, this.identity.secretKey);
        },
      },
      { onError },
    );
  }

  async #take({ round, attempt, sha256 }: Submission, clinicKey: string): Promise<Receipt> {
    this.submissions++;
    const error = this.submitErrors.shift();
    if (error) throw error;
    const bytes = await readFile(join(this.#folder, `upload-${this.uploadsCreated}`)).catch(
      () => new Uint8Array(),
    );
    if (sha(bytes) !== sha256)
      throw new LentigoError('LENTIGO_UPDATE_MALFORMED', 'Nothing whole was uploaded.');
    const envelope = await readEnvelope(memorySource(bytes));
    await verifyEnvelope(envelope, fromBase64(clinicKey));
    const opened = await openEnvelope(envelope, this.#roundKey.secretKey);
    const delta = encodings
      .get(envelope.header.encoding)
      .decode(await opened.read(0, opened.bytes));
    if (!this.accepted.some((a) => a.sha256 === sha256))
      this.accepted.push({ header: envelope.header, sha256, delta });
    return {
      study: this.study,
      round,
      attempt,
      clinic: envelope.header.clinic,
      sha256,
      samples: envelope.header.samples,
      audit: sha(bytes),
    };
  }
}
