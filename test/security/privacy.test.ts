// Privacy that can be seen: every byte that an agent process sends in a whole study is recorded and
// accounted for, and none of it is a photograph, a file name, a value of the metadata, or a secret
// key.
import { readdir, readFile, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeDelta, seedOf } from '../../client/participation/local-update.js';
import { createTrainer } from '../../client/participation/train-round.js';
import { memorySource } from '../support/memory-source.js';
import { openEnvelope, readEnvelope, sealUpdate } from '../../common/crypto/envelope.js';
import { openDataset } from '../../common/dataset/open.node.js';
import { useEngine } from '../../common/engine/engine.node.js';
import { normalise, prepare } from '../../common/images/prepare.js';
import { FolderFeatureCache } from '../../common/training/feature-cache.node.js';
import { EnrolRequest, parseInvitation } from '../../common/protocol/enrolment.js';
import { Hello, Proof } from '../../common/protocol/handshake.js';
import { ATTEMPT_HEADER } from '../../common/protocol/primitives.js';
import { Decline, Progress, Submission, TicketRequest } from '../../common/protocol/round.js';
import { ModelsRequest } from '../../common/protocol/study-models.js';
import { encodings } from '../../common/update/encoding.js';
import { ConsoleClient } from '../../coordinator/console-client.js';
import { Keys } from '../../coordinator/storage/keys.js';
import { createStudy, dataDirectory, studyUntil, temporaryFolder } from '../support/coordinator.js';
import { freePort } from '../support/free-port.js';
import { rawRequest } from '../support/http-from.js';
import { type AnnouncedRound, Member } from '../support/member.js';
import { launch, launchCoordinator, type Running, succeed } from '../support/processes.js';
import { RawWebSocket } from '../support/websocket.js';
import { LeakDetector, type Secret } from './leak-detector.js';
import { type Photographs, writePhotographs } from './photographs.js';
import { type Conversation, Recorder } from './recorder.js';

const ROUNDS = 2;
const PHOTOGRAPHS = 12;
/** Both models' inputs: nano's, which this study trains, and EfficientNet-B0's. */
const INPUT_SIZES = [64, 224];

let folder: string;
let dataDir: string;
let recorder: Recorder;
/** The coordinator itself, not through the recorder. */
let direct: string;
let coordinator: Running & { readonly url: string };
let photographs: Photographs;
let agent: Running;
let member: Member;
let clinic: string;
let invitationSecret: string;
/** What was announced in each round, and its secret key, copied while it was there. */
const rounds: { readonly announcement: AnnouncedRound; readonly key: Uint8Array }[] = [];

/** The agent's connections, and which of the recorded ones are another's. */
let conversations: Conversation[];
const others: [from: number, to: number][] = [];
let secrets: Secret[];

/**
 * Every message that a clinic may send, by its strict schema. The diagnosis (three letters) and the
 * skin type (one digit) are too short to be looked for in bytes, where they occur by chance: here
 * it is seen that no field is there that could hold one.
 */
const MESSAGES = {
  hello: Hello,
  prove: Proof,
  ticket: TicketRequest,
  submit: Submission,
  models: ModelsRequest,
  decline: Decline,
  progress: Progress,
};
/** What its HTTP clients write by themselves, and what the protocol needs. */
const HEADERS = new Set([
  'host',
  'connection',
  'accept',
  'accept-language',
  'accept-encoding',
  'sec-fetch-mode',
  'user-agent',
  'content-type',
  'content-length',
  'range',
  'authorization',
  ATTEMPT_HEADER.toLowerCase(),
  'tus-resumable',
  'upload-length',
  'upload-offset',
  'upgrade',
  'sec-websocket-version',
  'sec-websocket-key',
  'sec-websocket-extensions',
]);

// ── what was sent ──

/**
 * A piece of what was sent that is looked into: the bytes of a connection as they travelled, or
 * what was inside of them.
 */
interface Piece {
  readonly what: string;
  readonly bytes: Uint8Array;
}
interface Sealed {
  readonly bytes: Buffer;
}

const isUpload = (path: string) => path.startsWith('/uploads');
/** Bytes of uploads that were sent in parts, joined: by address. */
function uploadsOf(conversations: readonly Conversation[]): Sealed[] {
  const parts = new Map<string, Buffer[]>();
  for (const { method, path, headers, body } of conversations.flatMap((c) => c.requests)) {
    if (method !== 'PATCH' || !isUpload(path)) continue;
    const list = parts.get(path) ?? [];
    parts.set(path, list);
    if (Number(headers.get('upload-offset')) === 0) list.length = 0;
    list.push(body);
  }
  return [...parts.values()].map((list) => ({ bytes: Buffer.concat(list) }));
}

/** An update opened with its round's key: the payload, and the delta that it encodes, float32. */
async function opened({
  bytes,
}: Sealed): Promise<{ round: number; payload: Uint8Array; delta: Uint8Array }> {
  const envelope = await readEnvelope(memorySource(new Uint8Array(bytes)));
  const { key } = rounds.find(
    ({ announcement }) => announcement.attempt === envelope.header.attempt,
  )!;
  const update = await openEnvelope(envelope, key);
  const payload = await update.read(0, update.bytes);
  const delta = encodings.get(envelope.header.encoding).decode(payload);
  return {
    round: envelope.header.round,
    payload,
    delta: new Uint8Array(delta.buffer, delta.byteOffset, delta.byteLength),
  };
}

/**
 * Everything that a listener on the wire could look at, and what only the coordinator can: inside
 * the frames, and inside the sealed updates.
 */
async function piecesOf(conversations: readonly Conversation[]): Promise<Piece[]> {
  const pieces: Piece[] = conversations.flatMap(({ raw, frames }, i) => [
    { what: `connection ${i}, as it travelled`, bytes: raw },
    ...(frames.length > 0
      ? [
          {
            what: `connection ${i}, frames unmasked`,
            bytes: Buffer.concat(frames.map((f) => f.payload)),
          },
        ]
      : []),
  ]);
  for (const { bytes } of conversations.flatMap((c) => c.requests.map((r) => ({ bytes: r.body }))))
    if (bytes.length > 0) pieces.push({ what: 'body of a request', bytes });
  for (const sealed of uploadsOf(conversations)) {
    const { round, payload, delta } = await opened(sealed);
    pieces.push(
      { what: `update of round ${round}, decrypted`, bytes: payload },
      { what: `update of round ${round}, decoded`, bytes: delta },
    );
  }
  return pieces;
}

const findIn = (detector: LeakDetector, pieces: readonly Piece[]): string[] =>
  pieces.flatMap(({ what, bytes }) => detector.find(bytes).map((secret) => `${secret} in ${what}`));

// ── what must not be in it ──

async function allSecrets(): Promise<Secret[]> {
  secrets = [...photographs.secrets];
  const { samples } = await openDataset(photographs.folder);
  for (const sample of samples) {
    const picture = await sample.load();
    secrets.push({ name: "a photograph's pixels", bytes: new Uint8Array(picture.data) });
    for (const size of INPUT_SIZES) {
      const prepared = prepare(picture, size);
      const input = normalise(prepared);
      secrets.push(
        { name: `a photograph's pixels at ${size}`, bytes: new Uint8Array(prepared.data) },
        {
          name: `a model's input at ${size}`,
          bytes: new Uint8Array(input.buffer, input.byteOffset, input.byteLength),
        },
      );
    }
  }
  const cached = join(folder, 'home', 'features');
  for (const start of await readdir(cached))
    for (const file of await readdir(join(cached, start)))
      secrets.push({
        name: 'features of a photograph',
        bytes: await readFile(join(cached, start, file)),
      });

  const { secretKey } = JSON.parse(
    await readFile(join(folder, 'home', 'identity.json'), 'utf8'),
  ) as { secretKey: string };
  // The first half; the second is the public key, which is sent.
  secrets.push(
    { name: 'the secret key', bytes: Buffer.from(secretKey, 'base64').subarray(0, 32), run: 16 },
    { name: 'the secret key in base64', text: secretKey.slice(0, 42) },
  );
  secrets.push(
    { name: 'the home folder', text: join(folder, 'home') },
    {
      name: "the user's folder",
      text: homedir().length >= 6 ? homedir() : `${homedir()}/identity.json`,
    },
  );
  return secrets;
}

beforeAll(async () => {
  await useEngine('wasm');
  [folder, dataDir, recorder] = [
    await temporaryFolder(),
    await dataDirectory(),
    await Recorder.listening(),
  ];
  photographs = await writePhotographs(join(folder, 'Archive of Dr Qvistgaard'), PHOTOGRAPHS);
  const port = await freePort();
  direct = `http://127.0.0.1:${port}`;
  coordinator = await launchCoordinator(dataDir, [
    '--port',
    String(port),
    '--public-url',
    recorder.url,
  ]);
  recorder.relayTo(direct);
}, 60_000);
afterAll(async () => {
  member?.close();
  await coordinator.kill('SIGTERM');
  await recorder.close();
  await Promise.all([folder, dataDir].map((f) => rm(f, { recursive: true })));
});

/**
 * Enrols an agent, runs it through a whole study, and keeps what the checks need. Only the agent's
 * connections go through the recorder.
 */
async function wholeStudy(): Promise<void> {
  const admin = new ConsoleClient(direct, await new Keys(dataDir).adminToken());
  const study = await createStudy(admin, {
    rounds: ROUNDS,
    training: { trainFrom: 'features.3', variants: 2, epochs: 2 },
    updates: { encoding: 'int8', maxNorm: 1000 },
  });
  const { invitation } = await admin.invite(study, 'Clinic North', 1);
  invitationSecret = parseInvitation(invitation).secret;
  const home = join(folder, 'home');
  await succeed(['clinic', 'enrol', invitation, '--home', home, '--name', 'Clinic North']);
  clinic = (await admin.study(study)).clinics[0]!.id;
  await admin.decide(study, clinic, 'approve');
  const through = recorder.connections;
  member = await Member.approved(admin, study, 'The other clinic');
  Object.assign(member, { url: direct });
  // its enrolment, at the address that its invitation names
  others.push([through, recorder.connections]);
  await member.join();
  await admin.act(study, 'start');
  agent = launch(['clinic', 'run', '--home', home, '--data', photographs.folder, '--json'], {
    env: { NODE_OPTIONS: `--import=${new URL('connections-preload.js', import.meta.url).href}` },
  });
  for (let number = 1; number <= ROUNDS; number++) {
    const announcement = await member.round(number);
    await agent.until((l) => l['event'] === 'receipt' && l['round'] === number);
    rounds.push({
      announcement,
      key: new Uint8Array(await readFile(join(dataDir, 'rounds', announcement.attempt, 'key'))),
    });
    expect(await member.send(announcement, await member.seal(announcement))).toMatchObject({
      ok: true,
    });
  }
  await studyUntil(admin, study, (v) => v.status === 'completed');
  expect(await agent.ended).toBe(0);
  conversations = recorder
    .conversations()
    .filter((_, i) => !others.some(([from, to]) => from <= i && i < to));
}

describe('an agent in a whole study', () => {
  let detector: LeakDetector;
  beforeAll(async () => {
    await wholeStudy();
    detector = new LeakDetector(await allSecrets());
  }, 120_000);

  it('connects to the coordinator and to nothing else', () => {
    const { hostname, port } = new URL(recorder.url);
    const outgoing = [...agent.stderr().matchAll(/^OUTGOING (.*)$/gm)].map(
      ([, json]) =>
        JSON.parse(json!) as { kind: string; to: { host?: string; port?: number | string } },
    );
    expect(outgoing.length).toBeGreaterThan(1);
    for (const { kind, to } of outgoing)
      expect([kind, to.host, String(to.port)]).toEqual(['tcp', hostname, port]);
  });

  it('sends what the protocol says, byte for byte, and has no field for anything else', () => {
    const sizes = {
      enrolment: 0,
      'models (requests)': 0,
      'updates (tus)': 0,
      'socket handshake': 0,
      'socket messages': 0,
    };
    const events = new Map<string, number>();
    for (const { raw, requests, frames, framesSize, rest } of conversations) {
      expect(rest).toBe(0);
      expect(requests.reduce((n, r) => n + r.size, 0) + framesSize).toBe(raw.length);
      for (const { method, path, headers, body, size } of requests) {
        const line = `${method} ${path}`;
        expect(
          [...headers.keys()].filter((name) => !HEADERS.has(name)),
          line,
        ).toEqual([]);
        expect(headers.get('user-agent') ?? 'node').toMatch(/^node(-XMLHttpRequest)?$/);
        if (line === 'POST /api/enrol') {
          expect(EnrolRequest.parse(JSON.parse(body.toString()))).toMatchObject({
            name: 'Clinic North',
            secret: invitationSecret,
          });
          sizes.enrolment += size;
        } else if (/^GET \/blobs\/[0-9a-f]{64}$/.test(line)) {
          expect(body.length).toBe(0);
          // Without an attempt: the study's models, once it is over.
          expect([undefined, ...rounds.map((r) => r.announcement.attempt)]).toContain(
            headers.get(ATTEMPT_HEADER.toLowerCase()),
          );
          sizes['models (requests)'] += size;
        } else if (
          /^(POST \/uploads|(PATCH|HEAD) \/uploads\/[0-9a-f-]{36}_[0-9a-f]{32}_[0-9a-f]{64})$/.test(
            line,
          )
        ) {
          expect(method === 'PATCH' || body.length === 0).toBe(true);
          sizes['updates (tus)'] += size;
        } else {
          expect(line).toBe('GET /socket.io/?EIO=4&transport=websocket');
          sizes['socket handshake'] += size;
        }
      }
      sizes['socket messages'] += framesSize;
      for (const { fin, reserved, opcode, masked, payload } of frames) {
        // whole, not compressed
        expect({ fin, reserved, masked }).toEqual({ fin: true, reserved: 0, masked: true });
        if (opcode === 8 || opcode === 10) continue; // close, pong: told below by their length
        expect(opcode).toBe(1);
        const text = payload.toString();
        if (['3', '40/clinic,', '41/clinic,', '1'].includes(text)) continue;
        const [, event, json] = /^42\/clinic,\d*\["([a-z]+)",(.*)\]$/.exec(text)!;
        expect(Object.keys(MESSAGES)).toContain(event);
        // strict: a field more is an error
        MESSAGES[event as keyof typeof MESSAGES].parse(JSON.parse(json!));
        events.set(event!, (events.get(event!) ?? 0) + 1);
      }
      for (const { opcode, payload } of frames)
        if (opcode !== 1) expect(payload.length).toBeLessThanOrEqual(2);
    }
    expect([
      events.get('hello'),
      events.get('prove'),
      events.get('ticket'),
      events.get('submit'),
    ]).toEqual([1, 1, ROUNDS, ROUNDS]);

    const table = new Table({
      head: ['what the agent sent', 'bytes'],
      style: { head: [], border: [] },
    });
    for (const [kind, bytes] of Object.entries(sizes)) table.push([kind, bytes]);
    const total = conversations.reduce((n, c) => n + c.raw.length, 0);
    expect(Object.values(sizes).reduce((a, b) => a + b)).toBe(total);
    table.push(['all', total]);
    console.log(
      `${table.toString()}\n${[...events].map(([event, n]) => `${n} ${event}`).join(', ')}`,
    );
  });

  it('seals updates that are, to the byte, the change that training on its photographs makes, encoded', async () => {
    const sealed = uploadsOf(conversations);
    expect(sealed).toHaveLength(ROUNDS);
    const { samples } = await openDataset(photographs.folder);
    const train = createTrainer(samples, () => FolderFeatureCache.open(join(folder, 'recomputed')));
    const blob = async (sha256: string) =>
      new Uint8Array(await (await fetch(`${direct}/blobs/${sha256}`)).arrayBuffer());
    for (const [i, { announcement }] of rounds.entries()) {
      const envelope = await readEnvelope(memorySource(new Uint8Array(sealed[i]!.bytes)));
      expect(envelope.header).toMatchObject({ clinic, round: i + 1, samples: PHOTOGRAPHS });
      const { payload } = await opened(sealed[i]!);
      const trained = await train(
        {
          terms: announcement,
          clinic,
          start: await blob(announcement.start.sha256),
          base: await blob(announcement.base.sha256),
        },
        { signal: new AbortController().signal, onProgress: () => undefined },
      );
      expect(trained.delta.some((v) => v !== 0)).toBe(true);
      expect(
        Buffer.compare(
          payload,
          encodeDelta(trained.delta, announcement.updates.encoding, seedOf(announcement, clinic)),
        ),
      ).toBe(0);
    }
  });

  it('sends no photograph, no file name, no value of the metadata and no secret key, in any form, on the wire or inside the sealed updates', async () => {
    const pieces = await piecesOf(conversations);
    expect(findIn(detector, pieces)).toEqual([]);
    // The invitation's secret is for the enrolment, and for nothing after it.
    const invitationIn = new LeakDetector([{ name: 'the invitation', text: invitationSecret }]);
    expect(
      conversations
        .filter(
          ({ raw, frames }) =>
            invitationIn.find(Buffer.concat([raw, ...frames.map((f) => f.payload)])).length > 0,
        )
        .map((c) => c.requests[0]!.path),
    ).toEqual(['/api/enrol']);

    const names = new Map<string, number>();
    for (const { name } of secrets) {
      const group = name.startsWith('metadata') ? 'values of the metadata (23 columns)' : name;
      names.set(group, (names.get(group) ?? 0) + 1);
    }
    const table = new Table({ head: ['looked for', 'how many'], style: { head: [], border: [] } });
    for (const [name, n] of names) table.push([name, n]);
    console.log(
      `${pieces.length} pieces of ${pieces.reduce((n, p) => n + p.bytes.length, 0)} bytes searched, in plain, UTF-16, base64, hexadecimal, decimal, percent- and JSON-escaped form, each within each;\n` +
        `of files, pixels, inputs and features any 32 bytes in a row (${detector.blocks} blocks of 8; ${detector.skipped} of fewer than 5 different bytes say too little and are left out)\n${table.toString()}`,
    );
  });

  it('would be found out: each of these leaks, sent the same way, is detected', async () => {
    const { samples } = await openDataset(photographs.folder);
    const file = await readFile(
      join(
        photographs.folder,
        'imgs_part_vault9',
        'imgs_part_vault9',
        'Zurbriggen_2_1974-03-02_elbow.jpg',
      ),
    );
    const picture = await samples[3]!.load();
    const input = normalise(prepare(picture, 224));
    const floats = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
    const key = Buffer.from(
      (
        JSON.parse(await readFile(join(folder, 'home', 'identity.json'), 'utf8')) as {
          secretKey: string;
        }
      ).secretKey,
      'base64',
    ).subarray(0, 32);
    const enrol = (body: string) =>
      rawRequest(recorder.url, {
        method: 'POST',
        path: '/api/enrol',
        headers: { 'content-type': 'application/json' },
        body,
      });
    const say = async (text: string) => {
      const line = await RawWebSocket.clinic(recorder.url);
      line.say(text);
      await line.next((t) => t.startsWith('43/clinic,1['), 5000);
      line.close();
    };
    /**
     * An update whose payload is as long as it should be, with bytes of a photograph somewhere
     * inside.
     */
    const seal = async (secret: Uint8Array) => {
      const { announcement } = rounds[0]!;
      const payload = (await opened(uploadsOf(conversations)[0]!)).payload.slice();
      payload.set(secret, 1001);
      const bytes = await sealUpdate({
        header: {
          study: announcement.study,
          round: 1,
          attempt: announcement.attempt,
          clinic,
          base: announcement.base.sha256,
          encoding: announcement.updates.encoding,
          samples: 12,
        },
        payload,
        roundKey: announcement.roundKey,
        identity: member.identity,
      });
      await rawRequest(recorder.url, {
        method: 'PATCH',
        path: '/uploads/planted',
        headers: { 'upload-offset': '0', 'content-length': String(bytes.length) },
        body: bytes,
      });
    };
    const leaks: [string, () => Promise<unknown>, string][] = [
      [
        '32 bytes of a file in a body',
        () =>
          rawRequest(recorder.url, {
            method: 'POST',
            path: '/uploads',
            body: Buffer.concat([Buffer.from('any'), file.subarray(2001, 2033)]),
          }),
        "bytes of a photograph's file",
      ],
      [
        'a piece of a file in base64, in a message',
        () =>
          say(`42/clinic,1["progress",{"loss":"${file.subarray(700, 760).toString('base64')}"}]`),
        "bytes of a photograph's file",
      ],
      [
        'pixels in hexadecimal, in a header',
        () =>
          rawRequest(recorder.url, {
            path: '/healthz',
            headers: { 'x-trace': Buffer.from(picture.data.subarray(9000, 9200)).toString('hex') },
          }),
        "a photograph's pixels",
      ],
      [
        "a model's input inside a sealed update",
        () => seal(floats.subarray(200_001, 200_301)),
        "a model's input at 224",
      ],
      [
        'a file name in an address',
        () => rawRequest(recorder.url, { path: '/blobs/Zurbriggen%5f4%5F1974-03-04_elbow' }),
        'a file name without its ending',
      ],
      [
        'a patient in a masked frame',
        () => say('42/clinic,1["hello",{"study":"PAT-Wojciechowska-1"}]'),
        'metadata: patient_id',
      ],
      [
        'a value of the metadata in UTF-16, in base64',
        () =>
          enrol(JSON.stringify({ name: Buffer.from('region~xq5', 'utf16le').toString('base64') })),
        'metadata: region',
      ],
      [
        'an age in a query',
        () => rawRequest(recorder.url, { path: '/healthz?age=43.70713' }),
        'metadata: age',
      ],
      [
        'a note of the EXIF',
        () => enrol('{"name":"photographed BY dr qvistgaard, visit 7"}'),
        'a note in a photograph',
      ],
      [
        'the secret key as a list of numbers',
        () => say(`42/clinic,1["prove",{"signature":[${[...key].join(', ')}]}]`),
        'the secret key',
      ],
      [
        'half of the secret key in base64url',
        () =>
          rawRequest(recorder.url, {
            path: '/healthz',
            headers: { authorization: `Bearer x.${key.subarray(0, 24).toString('base64url')}` },
          }),
        'the secret key',
      ],
    ];
    const table = new Table({ head: ['planted', 'detected as'], style: { head: [], border: [] } });
    for (const [what, leak, secret] of leaks) {
      const before = recorder.connections;
      await leak();
      const found = findIn(detector, await piecesOf(recorder.conversations(before)));
      expect(
        found.filter((f) => f.startsWith(secret)),
        what,
      ).not.toEqual([]);
      table.push([what, found[0]!]);
    }
    console.log(table.toString());
  });
});
