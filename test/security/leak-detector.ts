// Searches sent bytes for secrets: texts, and any run of bytes from a file or a picture; plain, in
// UTF-16, base64, hexadecimal, percent-escaped, and in one of these nested in another.

export interface Secret {
  readonly name: string;
  /**
   * Found anywhere, in upper or lower case; at least six characters, so that it doesn't occur by
   * chance.
   */
  readonly text?: string;
  /** Found if `run` consecutive bytes of it occur. */
  readonly bytes?: Uint8Array;
  /** 32 by default; at least twice BLOCK. */
  readonly run?: number;
}

/**
 * Bytes are indexed in blocks of this length: every run of twice the length contains a whole block,
 * wherever it begins.
 */
const BLOCK = 8;
/**
 * A block with fewer different bytes than this (a black corner, zeros) says nothing about its
 * origin, so it is not indexed.
 */
const MOST_ALIKE = 5;
const RUN = 32;

export class LeakDetector {
  readonly #texts: { readonly name: string; readonly text: string }[] = [];
  readonly #sources: { readonly name: string; readonly bytes: Uint8Array; readonly run: number }[] =
    [];
  /** Indexed by the low bits of a block's hash: the block's place in `#at`, plus one. */
  readonly #table: Uint32Array;
  readonly #next: Uint32Array;
  readonly #at: { source: Uint32Array; offset: Uint32Array };
  /** Number of indexed blocks, and of those skipped because they say too little. */
  readonly blocks: number;
  readonly skipped: number;

  constructor(secrets: readonly Secret[]) {
    for (const { name, text, bytes, run = RUN } of secrets) {
      if (text !== undefined) {
        if (text.length < 6) throw new RangeError(`${name}: "${text}" occurs by chance`);
        this.#texts.push({ name, text: Buffer.from(text.toLowerCase()).toString('latin1') });
      }
      if (bytes) this.#sources.push({ name, bytes, run });
    }
    const most = this.#sources.reduce((n, { bytes }) => n + Math.floor(bytes.length / BLOCK), 0);
    this.#table = new Uint32Array(1 << 21);
    this.#next = new Uint32Array(most + 1);
    this.#at = { source: new Uint32Array(most + 1), offset: new Uint32Array(most + 1) };
    let [count, skipped] = [0, 0];
    for (const [source, { bytes }] of this.#sources.entries()) {
      for (let offset = 0; offset + BLOCK <= bytes.length; offset += BLOCK) {
        if (new Set(bytes.subarray(offset, offset + BLOCK)).size < MOST_ALIKE) {
          skipped++;
          continue;
        }
        const slot = hash(bytes, offset);
        count++;
        this.#at.source[count] = source;
        this.#at.offset[count] = offset;
        this.#next[count] = this.#table[slot]!;
        this.#table[slot] = count;
      }
    }
    [this.blocks, this.skipped] = [count, skipped];
  }

  /** Names of the secrets that occur, each with the form in which it was found. */
  find(bytes: Uint8Array): string[] {
    const found = new Set<string>();
    for (const { form, content } of forms(bytes)) {
      const text = Buffer.from(content.buffer, content.byteOffset, content.length)
        .toString('latin1')
        .toLowerCase();
      for (const secret of this.#texts)
        if (text.includes(secret.text)) found.add(`${secret.name} (${form})`);
      this.#findRuns(content, (name) => found.add(`${name} (${form})`));
    }
    return [...found];
  }

  #findRuns(content: Uint8Array, tell: (name: string) => void): void {
    for (let at = 0; at + BLOCK <= content.length; at++) {
      for (let i = this.#table[hash(content, at)]!; i !== 0; i = this.#next[i]!) {
        const { name, bytes, run } = this.#sources[this.#at.source[i]!]!;
        const offset = this.#at.offset[i]!;
        let [before, after] = [0, 0];
        while (
          after < run &&
          offset + after < bytes.length &&
          content[at + after] === bytes[offset + after]
        )
          after++;
        if (after < BLOCK) continue;
        while (
          before < run &&
          offset - before > 0 &&
          at - before > 0 &&
          content[at - before - 1] === bytes[offset - before - 1]
        )
          before++;
        if (before + after >= Math.min(run, bytes.length)) tell(name);
      }
    }
  }
}

/** A 21-bit hash of eight bytes. */
function hash(bytes: Uint8Array, at: number): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < BLOCK; i++) h = Math.imul(h ^ bytes[at + i]!, 0x01000193);
  return (h ^ (h >>> 11)) & 0x1fffff;
}

interface Form {
  readonly form: string;
  readonly content: Uint8Array;
}

/** The bytes plain and decoded in every way, two levels deep: for example UTF-16 text in base64. */
function forms(bytes: Uint8Array): Form[] {
  const once = decoded({ form: 'as it is', content: bytes });
  return [{ form: 'as it is', content: bytes }, ...once, ...once.flatMap((form) => decoded(form))];
}

function decoded({ form, content }: Form): Form[] {
  const text = Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1');
  const named = (as: string, bytes: Uint8Array): Form[] =>
    bytes.length < 6
      ? []
      : [{ form: form === 'as it is' ? as : `${as} in ${form}`, content: bytes }];
  // Where a run begins within the encoded data is unknown, so each possible offset is decoded.
  const base64 = [0, 1, 2, 3].flatMap((skip) =>
    named(
      'base64',
      Buffer.concat(
        runs(text, /[A-Za-z0-9+/_-]{12,}/g).map((run) => Buffer.from(run.slice(skip), 'base64')),
      ),
    ),
  );
  const hex = [0, 1].flatMap((skip) =>
    named(
      'hexadecimal',
      Buffer.concat(
        runs(text, /[0-9A-Fa-f]{12,}/g).map((run) =>
          Buffer.from(run.slice(skip, run.length - ((run.length - skip) & 1)), 'hex'),
        ),
      ),
    ),
  );
  const escaped = text.includes('%')
    ? named(
        'percent-escaped',
        Buffer.from(
          text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, digits: string) =>
            String.fromCharCode(Number.parseInt(digits, 16)),
          ),
          'latin1',
        ),
      )
    : [];
  const json = text.includes('\\')
    ? named(
        'JSON-escaped',
        Buffer.from(
          text
            .replaceAll(/\\u([0-9A-Fa-f]{4})/g, (_, digits: string) =>
              String.fromCharCode(Number.parseInt(digits, 16)),
            )
            .replaceAll(/\\(["\\/])/g, '$1'),
        ),
      )
    : [];
  const wide = content.includes(0)
    ? named(
        'UTF-16',
        content.filter((byte) => byte !== 0),
      )
    : [];
  // JSON of bytes: [12,34,…]
  const list = [...text.matchAll(/\d{1,3}(?:\s*,\s*\d{1,3}){5,}/g)].flatMap(([run]) =>
    named('decimal', Uint8Array.from(run.split(',').map(Number))),
  );
  return [...base64, ...hex, ...escaped, ...json, ...wide, ...list];
}

const runs = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([run]) => run);
