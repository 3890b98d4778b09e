// The fuzzer's inputs: the protocol's messages, valid and mutated, and bytes that are not a message
// at all. All of it follows from fast-check's seed.
import fc from 'fast-check';
import nacl from 'tweetnacl';
import { enrolRequest } from '../../common/crypto/enrolment.js';
import { ERRORS, type ErrorCode } from '../../common/errors.js';
import { PROTOCOL } from '../../common/protocol/primitives.js';

// ── parts of the protocol, each valid ──

const base64 = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((b) => Buffer.from(b).toString('base64'));
const hex = (digits: number) =>
  fc.string({
    unit: fc.constantFrom(...Array.from('0123456789abcdef')),
    minLength: digits,
    maxLength: digits,
  });
const round = fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 100_000 }));
const id = (known: readonly string[]) => fc.oneof(fc.uuid(), fc.constantFrom(...known));

/** What a fuzzer may know: ids and attempts that really exist. */
export interface Known {
  readonly studies: readonly string[];
  readonly attempts: readonly string[];
  readonly blobs: readonly string[];
  readonly clinics: readonly string[];
}

export const hello = ({ studies }: Known) =>
  fc.record({
    protocol: fc.constant(PROTOCOL),
    study: id(studies),
    key: base64(32),
    nonce: base64(32),
    instance: base64(32),
  });
export const proof = fc.record({ signature: base64(64) });
export const ticket = ({ attempts }: Known) =>
  fc.record({
    round,
    attempt: id(attempts),
    sha256: hex(64),
    bytes: fc.integer({ min: 0, max: 5000 }),
  });
export const submission = ({ attempts }: Known) =>
  fc.record({ round, attempt: id(attempts), sha256: hex(64) });
export const decline = ({ attempts }: Known) =>
  fc.record({
    round,
    attempt: id(attempts),
    code: fc.constantFrom(...(Object.keys(ERRORS) as ErrorCode[])),
  });
export const progress = ({ attempts }: Known) =>
  fc.record({
    round,
    attempt: id(attempts),
    phase: fc.constantFrom('downloading', 'preparing', 'training', 'sealing', 'uploading'),
    fraction: fc.double({ min: 0, max: 1 }),
  });
export const enrolment = ({ studies }: Known) =>
  fc.record({
    protocol: fc.constant(PROTOCOL),
    study: id(studies),
    secret: base64(32),
    key: base64(32),
    name: fc.string({ minLength: 1, maxLength: 80, unit: 'grapheme' }),
    signature: base64(64),
  });
export const invited = ({ studies }: Known) =>
  fc.record({ study: id(studies), secret: base64(32) });
/** Signed with the key that it names, so that everything is right but the secret. */
export const signedEnrolment = ({ studies }: Known) =>
  fc
    .record({
      seed: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      study: id(studies),
      secret: base64(32),
      name: fc.constantFrom('A clinic', 'Ĝ', ' trimmed '),
    })
    .map(({ seed, ...request }) => enrolRequest(request, nacl.sign.keyPair.fromSeed(seed)));
export const invitation = fc.record({
  clinic: fc.string({ minLength: 1, maxLength: 80, unit: 'grapheme' }),
  hours: fc.integer({ min: 1, max: 8760 }),
});
export const newStudy = ({ blobs }: Known) =>
  fc.record({
    config: fc.record({
      name: fc.string({ minLength: 1, maxLength: 40 }),
      model: fc.constant('nano'),
      rounds: fc.integer({ min: 1, max: 10_000 }),
      training: fc.record({
        trainFrom: fc.constantFrom('classifier', 'features.3', 'features.77'),
        epochs: fc.integer({ min: 1, max: 100 }),
      }),
      cohort: fc.record({
        minimum: fc.integer({ min: 1, max: 9 }),
        quorum: fc.integer({ min: 1, max: 9 }),
      }),
      evaluation: fc.record({
        data: fc.constantFrom(
          'synthetic:site=1&images=24&size=64',
          'synthetic:images=99999999999&size=9999',
          '/nowhere',
          '../..',
        ),
      }),
    }),
    start: fc.record({ sha256: fc.oneof(hex(64), fc.constantFrom(...blobs)), bytes: fc.nat() }),
  });

// ── mutations ──

const POLLUTION = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '$where',
  '',
];
const nested = (depth: number): unknown => {
  let value: unknown = 0;
  for (let i = 0; i < depth; i++) value = i % 2 ? [value] : { a: value };
  return value;
};
/**
 * Texts that may be mistaken for something else: paths, string terminators, half characters, other
 * scripts, far too long.
 */
export const weirdText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.string({ unit: 'grapheme', maxLength: 50 }),
  fc.constantFrom(
    '\u0000',
    'a\u0000b',
    '\ud800',
    'x\udfff',
    '\ufeff',
    '\u202e',
    '../../admin-token',
    '/etc/passwd',
    '\'; DROP TABLE "Study"; --',
    '${7*7}',
    '%00',
    'x'.repeat(5000),
    '١٢٣',
    'NaN',
    '-0',
    '\r\nX-Injected: 1',
  ),
);
const weirdNumber = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(-1, 0, 1e308, -1e308, 2 ** 53, -(2 ** 53), 5e-324, 1.5, 10_000_001, 1e21),
);
const weird: fc.Arbitrary<unknown> = fc.oneof(
  weirdText,
  weirdNumber,
  fc.jsonValue({ maxDepth: 3 }),
  fc.boolean(),
  fc.constantFrom(null, [], {}, [[]]),
  fc.constantFrom(30, 300, 3000).map(nested),
  fc.dictionary(fc.oneof(weirdText, fc.constantFrom(...POLLUTION)), fc.jsonValue({ maxDepth: 1 }), {
    maxKeys: 5,
    noNullPrototype: true,
  }),
);

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** Sets a key as JSON does, including `__proto__`. */
const put = (object: Fields, key: string, value: unknown): Fields =>
  Object.defineProperty({ ...object }, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });

/**
 * Changes one field somewhere in an object: removes it, replaces its value, alters its text, adds a
 * key, or nests it in something else.
 */
function mutate(value: unknown, { how, where, other, key }: Mutation): unknown {
  if (!isFields(value)) return other;
  const keys = Object.keys(value);
  const at = keys[where % Math.max(1, keys.length)];
  if (at === undefined) return other;
  const field = value[at];
  switch (how) {
    case 'remove':
      return Object.fromEntries(Object.entries(value).filter(([k]) => k !== at));
    case 'replace':
      return put(value, at, other);
    case 'add':
      return put(value, key, other);
    case 'wrap':
      return where % 2 ? [value] : { [key]: value };
    case 'inner':
      return put(
        value,
        at,
        isFields(field)
          ? mutate(field, { how: where % 2 ? 'replace' : 'add', where: where >> 1, other, key })
          : [field],
      );
    case 'alter': {
      if (typeof field !== 'string')
        return put(value, at, typeof field === 'number' ? field * -1e9 : other);
      const cut = where % (field.length + 1);
      const changes = [
        field.slice(0, cut),
        field + field,
        field.slice(0, cut) + '\u0000' + field.slice(cut),
        field.toUpperCase(),
        ` ${field}`,
        field.slice(0, cut) + key + field.slice(cut + 1),
      ];
      return put(value, at, changes[where % changes.length]);
    }
  }
}
interface Mutation {
  readonly how: 'remove' | 'replace' | 'add' | 'wrap' | 'inner' | 'alter';
  readonly where: number;
  readonly other: unknown;
  readonly key: string;
}
const mutation: fc.Arbitrary<Mutation> = fc.record({
  how: fc.constantFrom('remove', 'replace', 'add', 'wrap', 'inner', 'alter'),
  where: fc.nat(1000),
  other: weird,
  key: fc.oneof(fc.constantFrom(...POLLUTION), fc.string({ maxLength: 20 })),
});

/** JSON text that JSON.stringify never writes. */
const brokenText = (text: string, where: number, kind: number): string => {
  const at = where % (text.length + 1);
  const kinds = [
    text.slice(0, at),
    text.slice(0, at) + '\u0000' + text.slice(at),
    `${text}${text}`,
    text.replace(/\d+/, '1e999'),
    text.replace(/"/, "'"),
    text.slice(0, at) + '\ufffd' + text.slice(at + 1),
    '['.repeat(where * 40),
    text.replace(/}$/, ',"__proto__":{"admin":true}}'),
    `\ufeff${text}`,
  ];
  return kinds[kind % kinds.length]!;
};

/**
 * JSON text of a message: seldom valid, mostly mutated one to three times, sometimes not even JSON.
 */
export const messageText = (valid: fc.Arbitrary<unknown>): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 1, arbitrary: valid.map((v) => JSON.stringify(v)) },
    {
      weight: 6,
      arbitrary: fc
        .tuple(valid, fc.array(mutation, { minLength: 1, maxLength: 3 }))
        .map(([v, changes]) => JSON.stringify(changes.reduce<unknown>(mutate, v)) ?? 'null'),
    },
    { weight: 1, arbitrary: weird.map((v) => JSON.stringify(v) ?? 'null') },
    {
      weight: 2,
      arbitrary: fc
        .tuple(valid, fc.nat(1000), fc.nat(8))
        .map(([v, where, kind]) => brokenText(JSON.stringify(v), where, kind)),
    },
  );
/** The same, but always JSON, as socket.io's framing passes on. */
export const json = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  text.map((t) => {
    try {
      return JSON.stringify(JSON.parse(t)) ?? 'null';
    } catch {
      return JSON.stringify(t);
    }
  });

/** A segment of a path, as sent. */
export const segment = (good: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...good) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '%00',
        '%ff',
        '%',
        '%2e%2e%2fadmin-token',
        '..%2f..%2fadmin-token',
        '%u0000',
        '__proto__',
        'constructor',
        '%ed%a0%80',
        '*',
        ';',
        '%0d%0aX-A:1',
        'x'.repeat(4000),
        '%F0%9F%A9%BA',
      ),
    },
    { weight: 1, arbitrary: weirdText.map((t) => encodeURIComponent(Buffer.from(t).toString())) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom(...good), fc.nat(40))
        .map(([g, at]) => `${g.slice(0, at)}${g.slice(at + 1)}`),
    },
    { weight: 1, arbitrary: fc.constantFrom(...good).map((g) => g.toUpperCase()) },
  );
export const bytes = (maxLength = 200): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((b) => Buffer.from(b));
