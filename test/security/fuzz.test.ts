// Ten thousand messages and requests that are wrong in every way we could think of, seeded, against
// a coordinator process, while two honest clinics take part in a study on it.
// Every one is refused, nothing crashes, memory stays flat, and the honest clinics finish their
// rounds.
import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { toBase64 } from '../../common/crypto/base64.js';
import { challengeSignature } from '../../common/crypto/challenge.js';
import { createNonce } from '../../common/crypto/enrolment.js';
import { ERRORS, type ErrorCode } from '../../common/errors.js';
import { CreateInvitation, CreateStudy } from '../../common/protocol/console.js';
import { Hello } from '../../common/protocol/handshake.js';
import { PROTOCOL } from '../../common/protocol/primitives.js';
import type { Challenge } from '../../common/protocol/handshake.js';
import { Decline, TicketRequest } from '../../common/protocol/round.js';
import { ModelsRequest } from '../../common/protocol/study-models.js';
import type { Acknowledgement } from '../../common/protocol/sockets.js';
import { ConsoleClient } from '../../coordinator/console-client.js';
import { Keys } from '../../coordinator/storage/keys.js';
import { createStudy, dataDirectory, studyUntil } from '../support/coordinator.js';
import { HAS_MANY_ADDRESSES } from '../support/http-from.js';
import { Member } from '../support/member.js';
import { launchCoordinator, type Running } from '../support/processes.js';
import { frameOf, RawWebSocket } from '../support/websocket.js';
import {
  bytes,
  decline,
  enrolment,
  invited,
  hello,
  invitation,
  json,
  type Known,
  messageText,
  newStudy,
  progress,
  proof,
  segment,
  signedEnrolment,
  submission,
  ticket,
  weirdText,
} from './arbitraries.js';

const SEED = 20_261_121;
const ROUNDS = 3;
const IN_FLIGHT = 8;

let dataDir: string;
let coordinator: Running & { readonly url: string };
let admin: ConsoleClient;
let token: string;
beforeAll(async () => {
  dataDir = await dataDirectory();
  coordinator = await launchCoordinator(dataDir, [], {
    env: {
      NODE_OPTIONS: `--import=${new URL('../support/collect-on-signal.js', import.meta.url).href}`,
    },
  });
  token = await new Keys(dataDir).adminToken();
  admin = new ConsoleClient(coordinator.url, token);
});
afterAll(async () => {
  await coordinator.kill('SIGTERM');
  await rm(dataDir, { recursive: true });
});

// ── what is counted ──

/**
 * How many were refused with which code or status, how many were valid after all, and the few that
 * are wrong to be.
 */
const tally = new Map<string, number>();
const wrong: string[] = [];
let sent = 0;
const count = (outcome: string) => void tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
const complain = (what: string) => {
  count('WRONG');
  if (wrong.length < 20) wrong.push(what.slice(0, 600));
};

const openFiles = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;

interface Memory {
  /** What is in use once garbage is collected: heap and buffers, MiB. */
  readonly live: number;
  /** Resident, MiB: what the system gave, workers and uncollected garbage included. */
  readonly resident: number;
}
/** The least of three looks: connections that were just ended take a moment to be forgotten. */
async function memory(): Promise<Memory> {
  const looks: Memory[] = [];
  for (let i = 0; i < 3; i++) {
    await sleep(700);
    const before = coordinator.lines.length;
    process.kill(coordinator.pid, 'SIGUSR2');
    const line = await coordinator.until(
      (l) => l['collected'] === true && coordinator.lines.indexOf(l) >= before,
    );
    looks.push({ live: Number(line['live']) / 2 ** 20, resident: Number(line['rss']) / 2 ** 20 });
  }
  return {
    live: Math.min(...looks.map((m) => m.live)),
    resident: Math.min(...looks.map((m) => m.resident)),
  };
}

/**
 * Another address of this machine for every few failures: otherwise the rate limits would answer to
 * all but the first thirty.
 */
let addresses = 0;
const nextAddress = (): string | undefined => {
  const n = addresses++;
  return HAS_MANY_ADDRESSES
    ? `127.${2 + Math.floor(n / 62_500)}.${1 + (Math.floor(n / 250) % 250)}.${1 + (n % 250)}`
    : undefined;
};

const sample = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number, salt: number): T[] =>
  fc.sample(arbitrary, { numRuns, seed: SEED + salt });

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}

// ── HTTP ──

interface Shot {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string | Buffer;
  /** Whether an answer other than a refusal is right. */
  readonly mayPass?: (body: string) => boolean;
}

/**
 * One request on a connection of its own, each byte as given. @returns status and body; undefined
 * when the connection ended, or (a body shorter than announced) nothing came.
 */
function fire(
  { method, path, headers, body }: Shot,
  from: string | undefined,
): Promise<{ status: number; text: string } | undefined> {
  const { hostname, port } = new URL(coordinator.url);
  const names = new Set(headers.map(([name]) => name.toLowerCase()));
  const content = Buffer.from(body as string);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'Host: localhost',
    'Connection: close',
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  if (content.length > 0 && !names.has('content-length') && !names.has('transfer-encoding'))
    lines.push(`Content-Length: ${content.length}`);
  return new Promise((resolve) => {
    const socket = net.connect({
      host: hostname,
      port: Number(port),
      ...(from && { localAddress: from }),
    });
    const chunks: Buffer[] = [];
    socket.setTimeout(
      names.has('content-length') || names.has('transfer-encoding') || names.has('expect')
        ? 150
        : 10_000,
      () => socket.destroy(),
    );
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('close', () => {
      const text = Buffer.concat(chunks).toString('latin1');
      const status = [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)]
        .map((m) => Number(m[1]))
        .find((s) => s !== 100);
      resolve(status === undefined ? undefined : { status, text });
    });
    socket.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), content]));
  });
}

async function shoot(shots: readonly Shot[]): Promise<void> {
  await inParallel(shots, async (shot) => {
    sent++;
    const answer = await fire(shot, nextAddress());
    if (!answer) return count('HTTP: connection ended');
    const { status, text } = answer;
    const code = /"code":"(LENTIGO_[A-Z_]+)"/.exec(text)?.[1];
    const what = `${shot.method} ${shot.path.slice(0, 200)} ${JSON.stringify(shot.headers).slice(0, 200)} ${String(shot.body).slice(0, 200)} → ${text.slice(0, 400)}`;
    if (status >= 500 || code === 'LENTIGO_INTERNAL') return complain(what);
    if (status >= 400) return count(code ? `HTTP: ${code}` : `HTTP: ${status} without a code`);
    if (shot.mayPass?.(Buffer.from(shot.body as string).toString()))
      return count('HTTP: valid after all');
    complain(what);
  });
}

const always = () => true;
const passes =
  (schema: { safeParse(value: unknown): { success: boolean } }) =>
  (body: string): boolean => {
    try {
      // a byte-order mark is let through
      return schema.safeParse(JSON.parse(body.replace(/^\ufeff/, ''))).success;
    } catch {
      return false;
    }
  };

/** Header lines that someone might send, some against all rules. */
const oddHeaders = fc.array(
  fc.oneof(
    {
      weight: 20,
      arbitrary: fc.constantFrom<readonly [string, string]>(
        ['Content-Type', 'application/json'],
        ['Content-Type', 'text/plain; charset=utf-16'],
        ['Content-Type', 'application/json; charset=koi8-r'],
        ['Content-Type', 'multipart/form-data; boundary='],
        ['Content-Type', 'application/offset+octet-stream'],
        ['Content-Encoding', 'gzip'],
        ['Content-Encoding', 'br'],
        ['Content-Encoding', 'x-none'],
        ['Content-Length', '-1'],
        ['Content-Length', '99999999999999999999'],
        ['Content-Length', '5000'],
        ['Content-Length', '0'],
        ['Transfer-Encoding', 'chunked'],
        ['Transfer-Encoding', 'gzip, chunked'],
        ['Expect', '100-continue'],
        ['Expect', 'nothing'],
        ['Upgrade', 'h2c'],
        ['Upgrade', 'websocket'],
        ['Range', 'bytes=0-0'],
        ['Range', 'bytes=-5'],
        ['Range', 'bytes=9999999999-'],
        ['Range', 'bytes=5-1'],
        ['Range', 'bytes=0-1,5-6,8-'],
        ['Range', `bytes=${'0-0,'.repeat(1000)}`],
        ['Range', 'lines=1-2'],
        ['Range', 'bytes=18446744073709551616-'],
        ['If-None-Match', '*'],
        ['If-Modified-Since', 'yesterday'],
        ['If-Range', '"x"'],
        ['Accept', '\u0001'],
        ['X-HTTP-Method-Override', 'DELETE'],
        ['Origin', 'null'],
        ['Cookie', 'a=b;'.repeat(500)],
        ['X-Forwarded-For', '127.0.0.1, ::1'],
        ['Host', 'other.example'],
      ),
    },
    {
      weight: 4,
      arbitrary: weirdText.map((t): [string, string] => [
        'X-Anything',
        t.replaceAll(/[^\t -~\u0080-\u00ff]/g, '?'),
      ]),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(weirdText, fc.boolean())
        .map(([t, name]): [string, string] => (name ? [t, 'name'] : ['X-Anything', t])),
    }, // mostly no HTTP at all
  ),
  { maxLength: 3 },
);
const authorization = (known: string): fc.Arbitrary<[string, string][]> =>
  fc.oneof(
    fc.constant<[string, string][]>([]),
    fc
      .constantFrom(
        '',
        'Bearer',
        'Bearer ',
        'Bearer x',
        `Basic ${known}`,
        `Bearer ${known.slice(1)}`,
        `Bearer ${known} `.repeat(2),
        `Bearer ${'x'.repeat(3000)}`,
        'Bearer a.b.c',
      )
      .map((v): [string, string][] => [['Authorization', v]]),
  );
const anyMethod = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.constantFrom(
      'GET',
      'HEAD',
      'POST',
      'PUT',
      'PATCH',
      'DELETE',
      'OPTIONS',
      'TRACE',
      'PROPFIND',
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom('get', 'NONSENSE') },
);
const isRead = (method: string) => ['GET', 'HEAD', 'OPTIONS'].includes(method);

function requests(known: Known, uploadTicket: string): fc.Arbitrary<Shot>[] {
  const body = fc.oneof(
    messageText(newStudy(known)),
    messageText(invitation),
    messageText(enrolment(known)),
    bytes(),
    fc.constant(''),
  );
  const study = segment(known.studies);
  const consolePath = fc.oneof(
    fc.constant('/api/studies'),
    fc.constant('/api/models'),
    study.map((s) => `/api/studies/${s}`),
    fc
      .tuple(
        study,
        fc.oneof(
          fc.constantFrom(
            'start',
            'pause',
            'resume',
            'stop',
            'invitations',
            'audit',
            'models/best',
            'models/last',
            'nothing',
          ),
          weirdText.map((t) => encodeURIComponent(Buffer.from(t).toString())),
        ),
      )
      .map(([s, a]) => `/api/studies/${s}/${a}`),
    fc
      .tuple(study, segment(known.clinics), fc.constantFrom('approve', 'revoke', 'x'))
      .map(([s, c, a]) => `/api/studies/${s}/clinics/${c}/${a}`),
  );
  const tus = fc
    .array(
      fc.constantFrom<[string, string]>(
        ['Upload-Length', '100'],
        ['Upload-Length', '-1'],
        ['Upload-Length', '1e9'],
        ['Upload-Length', '999999999999'],
        ['Upload-Defer-Length', '1'],
        ['Upload-Offset', '0'],
        ['Upload-Offset', '50'],
        ['Upload-Offset', '-5'],
        ['Upload-Offset', 'x'],
        ['Upload-Metadata', 'filename d29ybGQ='],
        ['Upload-Metadata', 'a,,b'],
        ['Upload-Metadata', '__proto__ d29ybGQ='],
        ['Upload-Concat', 'partial'],
        ['Upload-Concat', 'final;/uploads/a /uploads/b'],
        ['Content-Type', 'application/offset+octet-stream'],
        ['X-HTTP-Method-Override', 'PATCH'],
      ),
      { maxLength: 4 },
    )
    .chain((headers) =>
      fc
        .nat(9)
        .map((n): [string, string][] => [
          ...(n < 9 ? [['Tus-Resumable', n < 8 ? '1.0.0' : '0.0.1'] as [string, string]] : []),
          ...headers,
        ]),
    );
  const upload = `${known.attempts[0]}_${known.clinics[0]}_${'0'.repeat(64)}`;
  const json = ['Content-Type', 'application/json'] as const;
  const bearer = ['Authorization', `Bearer ${token}`] as const;
  const record = (
    shot: { [K in keyof Omit<Shot, 'mayPass'>]: fc.Arbitrary<Shot[K]> },
    mayPass: (shot: Shot) => Shot['mayPass'] = () => undefined,
  ): fc.Arbitrary<Shot> =>
    fc.record(shot).map((s: Shot) => {
      const may = mayPass(s);
      return { ...s, ...(may && { mayPass: may }) };
    });
  const C = fc.constant;
  return [
    // enrolment
    record({
      method: C('POST'),
      path: C('/api/enrol'),
      headers: C([json]),
      body: fc.oneof(
        { weight: 6, arbitrary: messageText(enrolment(known)) },
        { weight: 3, arbitrary: signedEnrolment(known).map((v) => JSON.stringify(v)) },
        { weight: 1, arbitrary: bytes() },
      ),
    }),
    record({ method: C('POST'), path: C('/api/enrol'), headers: oddHeaders, body }),
    record({
      method: C('POST'),
      path: C('/api/enrol/invited'),
      headers: C([json]),
      body: messageText(invited(known)),
    }),
    // uploads, without a ticket, and with one that is for a hundred bytes
    record(
      {
        method: anyMethod,
        path: segment([upload, '']).map((s) => `/uploads/${s}`),
        headers: fc.tuple(tus, authorization(uploadTicket)).map((h) => h.flat()),
        body: bytes(),
      },
      (s) => (s.method === 'OPTIONS' ? always : undefined),
    ),
    record(
      {
        method: fc.constantFrom('POST', 'PATCH', 'HEAD', 'DELETE'),
        path: fc.constantFrom('/uploads', `/uploads/${upload}`),
        headers: tus.map((h) => [...h, ['Authorization', `Bearer ${uploadTicket}`] as const]),
        body: bytes(),
      },
      () => always,
    ),
    // blobs
    record(
      {
        method: anyMethod,
        path: segment([...known.blobs, 'x']).map((s) => `/blobs/${s}`),
        headers: oddHeaders,
        body: C(''),
      },
      (s) => (isRead(s.method) || s.method === 'get' ? always : undefined),
    ),
    // the console, without the token and with it
    record({
      method: anyMethod,
      path: consolePath,
      headers: fc.tuple(oddHeaders, authorization(token)).map((h) => h.flat()),
      body,
    }),
    record(
      {
        method: C('POST'),
        path: C('/api/studies'),
        headers: C([json, bearer]),
        body: messageText(newStudy(known)),
      },
      () => passes(CreateStudy),
    ),
    record(
      {
        method: C('POST'),
        path: study.map((s) => `/api/studies/${s}/invitations`),
        headers: C([json, bearer]),
        body: messageText(invitation),
      },
      () => passes(CreateInvitation),
    ),
    record(
      {
        method: anyMethod,
        path: consolePath,
        headers: oddHeaders.map((h) => [...h, bearer]),
        body,
      },
      () => always,
    ),
    record({
      method: C('PUT'),
      path: C('/api/models'),
      headers: C([bearer]),
      body: fc.oneof(
        bytes(2000),
        bytes().map((b) => Buffer.concat([Buffer.from([200, 0, 0, 0, 0, 0, 0, 0]), b])),
      ),
    }),
    // anywhere, anything
    record(
      {
        method: anyMethod,
        path: fc.oneof(
          weirdText.map((t) => `/${t}`),
          weirdText,
          fc.constantFrom(
            '/',
            '*',
            '//',
            '/socket.io/',
            '/socket.io/?EIO=4&transport=polling',
            '/socket.io/?EIO=9&transport=websocket',
            '/healthz',
            '/metrics',
            'http://x/',
            '/../..',
            `/${'a/'.repeat(3000)}`,
          ),
        ),
        headers: oddHeaders,
        body,
      },
      (s) => (isRead(s.method) || s.path.startsWith('http') ? always : undefined),
    ),
  ];
}

// ── sockets ──

const oddEvent = fc.oneof(
  fc.constantFrom(
    'error',
    'connect',
    'disconnect',
    'newListener',
    '__proto__',
    'constructor',
    'round',
    'message',
    'join',
    '',
  ),
  weirdText,
);
interface Message {
  readonly event: string;
  /** JSON. */
  readonly text: string;
}

function messages(known: Known): fc.Arbitrary<Message>[] {
  const of = (event: string, valid: fc.Arbitrary<unknown>) =>
    json(messageText(valid)).map((text) => ({ event, text }));
  const any = fc
    .tuple(oddEvent, json(messageText(hello(known))))
    .map(([event, text]) => ({ event, text }));
  return [
    of('hello', hello(known)),
    any,
    of('prove', proof),
    of('ticket', ticket(known)),
    of('submit', submission(known)),
    of('models', fc.constant({})),
    of('decline', decline(known)),
  ];
}

const valid = {
  hello: Hello,
  ticket: TicketRequest,
  models: ModelsRequest,
  decline: Decline,
} as Record<
  string,
  typeof Hello | typeof TicketRequest | typeof ModelsRequest | typeof Decline | undefined
>;

/** Sends to connections opened by `connect`, a new one when one was ended. */
async function tell(
  list: readonly Message[],
  connect: () => Promise<RawWebSocket>,
  perConnection: number,
): Promise<void> {
  const groups = Array.from({ length: Math.ceil(list.length / perConnection) }, (_, i) =>
    list.slice(i * perConnection, (i + 1) * perConnection),
  );
  await inParallel(groups, async (group) => {
    let line = await connect();
    for (const [i, { event, text }] of group.entries()) {
      if (line.isClosed) line = await connect();
      sent++;
      if (event === 'progress') {
        line.say(`42/clinic,["progress",${text}]`);
        count('socket: progress, never answered');
        continue;
      }
      const answer = (await line.ask(event, text, i)) as Acknowledgement | undefined;
      const what = `${event} ${text.slice(0, 300)} → ${JSON.stringify(answer)?.slice(0, 300)}`;
      if (answer === undefined) {
        if (line.isClosed) count('socket: connection ended');
        else complain(`no answer: ${what}`);
      } else if (answer.ok) {
        if (valid[event]?.safeParse(JSON.parse(text)).success) count('socket: valid after all');
        else complain(what);
      } else if (!(answer.error.code in ERRORS) || answer.error.code === 'LENTIGO_INTERNAL')
        complain(what);
      else {
        count(`socket: ${answer.error.code}`);
        // Who fails the proof is disconnected: the next message goes to another connection.
        if (
          answer.error.code === 'LENTIGO_CHALLENGE_FAILED' &&
          (await Promise.race([line.closed.then(() => 'closed'), sleep(5000)])) !== 'closed'
        )
          complain(`still connected: ${what}`);
      }
    }
    line.close();
  });
}

/** A connection that was answered its hello, and has to prove itself. */
async function greeted(member: Member): Promise<RawWebSocket> {
  const line = await RawWebSocket.clinic(coordinator.url, nextAddress());
  await line.ask(
    'hello',
    JSON.stringify({
      protocol: PROTOCOL,
      study: member.study,
      key: toBase64(member.identity.publicKey),
      nonce: createNonce(),
      instance: createNonce(),
    }),
    900,
  );
  return line;
}

/** A clinic of the study, proved, on a raw connection. */
async function proven(member: Member): Promise<RawWebSocket> {
  const line = await RawWebSocket.clinic(coordinator.url, nextAddress());
  const clinicKey = toBase64(member.identity.publicKey);
  const clinicNonce = createNonce();
  const challenge = (await line.ask(
    'hello',
    JSON.stringify({
      protocol: PROTOCOL,
      study: member.study,
      key: clinicKey,
      nonce: clinicNonce,
      instance: member.instance,
    }),
    900,
  )) as Acknowledgement<Challenge>;
  if (!challenge.ok) throw new Error(challenge.error.code);
  const terms = {
    role: 'clinic' as const,
    study: member.study,
    coordinatorKey: member.studyKey,
    clinicKey,
    coordinatorNonce: challenge.value.nonce,
    clinicNonce,
  };
  const answer = (await line.ask(
    'prove',
    JSON.stringify({ signature: challengeSignature(terms, member.identity.secretKey) }),
    901,
  )) as Acknowledgement;
  if (!answer.ok) throw new Error(answer.error.code);
  return line;
}

/**
 * Bytes on a WebSocket that are no messages of the protocol: wrong frames, wrong packets of
 * engine.io and socket.io.
 */
const noise: fc.Arbitrary<Buffer> = fc.oneof(
  bytes(400),
  bytes(300).map((b) => frameOf(b)),
  bytes(100).map((b) => frameOf(b, { opcode: 2 })),
  fc
    .record({
      fin: fc.boolean(),
      reserved: fc.integer({ min: 0, max: 7 }),
      opcode: fc.integer({ min: 0, max: 15 }),
      masked: fc.boolean(),
      length: fc.option(fc.integer({ min: 0, max: 2 ** 40 }), { nil: undefined }),
    })
    .chain((changes) => bytes(130).map((b) => frameOf(b, changes))),
  fc
    .tuple(
      fc.constantFrom(
        '0',
        '1',
        '2',
        '3',
        '4',
        '5',
        '6',
        '9',
        '40',
        '41',
        '42',
        '43',
        '44',
        '45',
        '46',
        '49',
        '40/',
        '40/admin,',
        '40/clinic,',
        '42/clinic,',
        '43/clinic,',
        '451-/clinic,',
        '459999999999-/clinic,',
        '45-1-',
        '46/clinic,99999999999999999999',
      ),
      weirdText,
    )
    .map(([packet, rest]) => frameOf(packet + rest)),
  fc
    .constantFrom(
      '42/clinic,1[',
      '42/clinic,1[]',
      '42/clinic,1{}',
      '42/clinic,1[{}]',
      '42/clinic,1[null]',
      '42/clinic,1[7,{}]',
      '42/clinic,["hello"]',
      '42/clinic,1["hello"]',
      '42/clinic,-1["hello",{}]',
      '42/clinic,1["hello",{},{},{}]',
      '451-/clinic,2["hello",{"_placeholder":true,"num":0}]',
      '451-/clinic,2["hello",{"_placeholder":true,"num":7}]',
      '40',
      '40/clinic,{"__proto__":{"x":1}}',
      '41/clinic,',
    )
    .map((t) => frameOf(t)),
  fc
    .integer({ min: 60_000, max: 200_000 })
    .map((n) => frameOf(`42/clinic,1["hello","${'x'.repeat(n)}"]`)),
);

async function makeNoise(list: readonly Buffer[]): Promise<void> {
  const groups = Array.from({ length: Math.ceil(list.length / 4) }, (_, i) =>
    list.slice(i * 4, i * 4 + 4),
  );
  await inParallel(groups, async (group) => {
    const open = () => RawWebSocket.clinic(coordinator.url, nextAddress());
    let line = await open();
    for (const noisy of group) {
      if (line.isClosed) line = await open();
      sent++;
      line.write(noisy);
      await Promise.race([line.closed, sleep(5)]);
      count(line.isClosed ? 'noise: connection ended' : 'noise: ignored, or waited for more');
    }
    line.close();
  });
}

/**
 * An honest clinic: every round, one right update; where the machine was too busy for the deadline,
 * once more in the next attempt.
 */
async function honest(member: Member): Promise<void> {
  for (let number = 1; number <= ROUNDS; number++) {
    const round = await member.round(number);
    let answer = await member.send(round, await member.seal(round));
    if (!answer.ok && answer.error.code === 'LENTIGO_UPDATE_LATE') {
      const again = await member.round(number, round.attempt);
      answer = await member.send(again, await member.seal(again));
    }
    if (!answer.ok)
      throw new Error(`round ${number}: ${answer.error.code} ${answer.error.message}`);
  }
}

it('ten thousand fuzzed messages and requests are refused, nothing crashes, memory stays flat, and honest clinics finish their rounds', async () => {
  const began = Date.now();
  const study = await createStudy(admin, {
    rounds: ROUNDS,
    cohort: { minimum: 2, quorum: 2, deadlineSeconds: 10 },
  });
  // what is fuzzed with the admin token may change this one
  const other = await createStudy(admin, { rounds: 1 });
  const clinics = [
    await Member.approved(admin, study, 'One'),
    await Member.approved(admin, study, 'Two'),
  ];
  const rogue = await Member.approved(admin, study, 'Rogue');
  await rogue.join();
  for (const member of clinics) await member.join();
  await admin.act(study, 'start');
  const first = await rogue.round(1);
  const studying = Promise.all(clinics.map(honest));
  studying.catch(() => undefined);
  const uploadTicket = await rogue.ask<{ token: string }>('ticket', {
    round: 1,
    attempt: first.attempt,
    sha256: '0'.repeat(64),
    bytes: 100,
  });
  if (!uploadTicket.ok) throw new Error(uploadTicket.error.code);

  const known: Known = {
    studies: [study],
    attempts: [first.attempt],
    blobs: [first.start.sha256, first.base.sha256],
    clinics: [rogue.id],
  };
  const withToken: Known = { ...known, studies: [other] };
  const asAdmin = new Set([6, 7, 8]);
  const http = (each: number, salt: number) =>
    requests(known, uploadTicket.value.token).flatMap((arbitrary, i) =>
      asAdmin.has(i)
        ? sample(requests(withToken, uploadTicket.value.token)[i]!, each, salt + i)
        : sample(arbitrary, each, salt + i),
    );
  const [hellos, others, proofs, tickets, submissions, models] = messages(known) as [
    fc.Arbitrary<Message>,
    fc.Arbitrary<Message>,
    fc.Arbitrary<Message>,
    fc.Arbitrary<Message>,
    fc.Arbitrary<Message>,
    fc.Arbitrary<Message>,
  ];
  const progresses = json(messageText(progress(known))).map((text) => ({
    event: 'progress',
    text,
  }));
  const several = (each: number, salt: number, ...arbitraries: fc.Arbitrary<Message>[]) =>
    arbitraries.flatMap((arbitrary, i) => sample(arbitrary, each, salt + i));
  const wave = async (scale: number, salt: number) => {
    await Promise.all([
      shoot(http(50 * scale, salt)),
      tell(
        several(40 * scale, salt + 100, hellos, others, tickets),
        () => RawWebSocket.clinic(coordinator.url, nextAddress()),
        10,
      ),
      tell(several(40 * scale, salt + 150, proofs), () => greeted(rogue), 10),
      tell(
        several(40 * scale, salt + 200, tickets, submissions, models, progresses, others, hellos),
        () => proven(rogue),
        40,
      ),
      makeNoise(sample(noise, 90 * scale, salt + 300)),
    ]);
  };

  await wave(2, 1000); // warms up: every route and worker was there once
  await studyUntil(admin, study, (v) => v.completed >= 1);
  const [memoryBefore, filesBefore, sentBefore] = [
    await memory(),
    process.platform === 'linux' ? openFiles(coordinator.pid) : 0,
    sent,
  ];
  await wave(4, 2000);
  const [memoryBetween, sentBetween] = [await memory(), sent];
  await wave(4, 3000);
  const memoryAfter = await memory();

  await studying;
  const view = await studyUntil(admin, study, (v) => v.status === 'completed');
  const rows = [...tally]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([outcome, n]) => `${String(n).padStart(6)}  ${outcome}`);
  console.log(
    `${sent} messages, ${rows.length} kinds of outcome, seed ${SEED}, ${((Date.now() - began) / 1000).toFixed(1)} s:\n${rows.join('\n')}\n` +
      `coordinator's memory in use (resident): ${[
        [sentBefore, memoryBefore],
        [sentBetween, memoryBetween],
        [sent, memoryAfter],
      ]
        .map(
          ([n, m]) =>
            `${(m as Memory).live.toFixed(1)} (${(m as Memory).resident.toFixed(0)}) MiB after ${n as number}`,
        )
        .join(', ')}`,
  );

  expect(wrong).toEqual([]);
  expect(sent).toBeGreaterThanOrEqual(10_000);
  expect(tally.get('HTTP: valid after all')! + tally.get('socket: valid after all')!).toBeLessThan(
    sent / 5,
  ); // a fuzzer that sends what is right shows nothing
  for (const code of [
    'LENTIGO_MESSAGE_INVALID',
    'LENTIGO_CHALLENGE_FAILED',
    'LENTIGO_ADMIN_TOKEN',
    'LENTIGO_UPLOAD_TICKET',
    'LENTIGO_UPLOAD_INVALID',
    'LENTIGO_INVITATION_INVALID',
    'LENTIGO_ROUTE_UNKNOWN',
  ] satisfies ErrorCode[]) {
    expect(
      [...tally.keys()].some((outcome) => outcome.endsWith(code)),
      code,
    ).toBe(true);
  }
  // Nothing that nobody foresaw, also where nobody was told.
  expect(coordinator.lines.filter((line) => Number(line['level']) >= 50)).toEqual([]);
  expect(coordinator.stderr()).toBe('');
  expect((await fetch(`${coordinator.url}/healthz`)).status).toBe(200);
  // Honest clinics' updates count in every round, and the rogue's in none.
  expect(
    view.rounds
      .filter((r) => r.number > 0 && r.phase !== 'failed')
      .map((r) => [r.number, r.phase, r.updates.map((u) => u.clinic)]),
  ).toEqual(
    Array.from({ length: ROUNDS }, (_, i) => [
      i + 1,
      'closed',
      clinics.map((c) => c.id).toSorted(),
    ]),
  );
  expect((await admin.audit(study)).chain.ok).toBe(true);
  expect((await admin.audit(other)).chain.ok).toBe(true);
  for (const m of [...clinics, rogue]) m.close();
  expect(memoryAfter.live - memoryBefore.live).toBeLessThan(8);
  expect(memoryAfter.resident - memoryBefore.resident).toBeLessThan(160);
  if (process.platform === 'linux') {
    await expect
      .poll(() => openFiles(coordinator.pid), { timeout: 25_000 })
      .toBeLessThanOrEqual(filesBefore);
  }
}, 180_000);
