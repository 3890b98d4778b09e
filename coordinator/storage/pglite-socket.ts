// node-postgres over the PGlite in this process: new pg.Pool({ stream: () => new
// PgliteSocket(open), max: 1 }).
import { Duplex } from 'node:stream';
import type { PGlite } from '@electric-sql/pglite';

/** PostgreSQL's Terminate message: 'X' and its own length. */
const isTerminate = (message: Buffer | undefined): boolean =>
  message?.length === 5 && message[0] === 0x58;

const ERROR_RESPONSE = 0x45;

/**
 * The message of a PANIC in a backend's answer: such as no space for its write-ahead log. A server
 * would start anew and
 * recover; this PGlite answers nothing from here on, not even that it is ready, and another has to
 * be opened.
 */
function panicIn(answer: Buffer): Error | undefined {
  for (let at = 0; at + 5 <= answer.length; at += 1 + answer.readInt32BE(at + 1)) {
    if (answer[at] !== ERROR_RESPONSE) continue;
    const fields = new Map(
      answer
        .toString('utf8', at + 5, at + 1 + answer.readInt32BE(at + 1))
        .split('\0')
        .map((field) => [field[0], field.slice(1)]),
    );
    if (fields.get('V') === 'PANIC')
      return Object.assign(
        new Error(
          `the embedded database stopped: ${fields.get('M')}; it is opened again when there is space`,
        ),
        { code: fields.get('C') },
      );
  }
  return undefined;
}

const panics = new WeakMap<PGlite, Error>();

/** Why a database no longer answers; undefined while it does. */
export const whyStopped = (database: PGlite): Error | undefined => panics.get(database);

/**
 * What pg takes for a TCP socket: messages written go to PGlite's one backend, its answers are read
 * back.
 */
export class PgliteSocket extends Duplex {
  readonly #open: () => Promise<PGlite>;
  #database!: PGlite; // once connected

  /** @param open gives a database that answers, or says why there is none */
  constructor(open: () => Promise<PGlite>) {
    super({ allowHalfOpen: false });
    this.#open = open;
  }

  connect(): this {
    void this.#greet();
    return this;
  }
  // pg sets these on its sockets; there is nothing to set here
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  override _read(): void {}
  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    void this.#send([chunk], done);
  }
  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    void this.#send(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  async #greet(): Promise<void> {
    try {
      this.#database = await this.#open();
      this.emit('connect');
    } catch (reason) {
      this.destroy(reason instanceof Error ? reason : new Error(String(reason)));
    }
  }

  async #send(messages: Buffer[], done: (error?: Error | null) => void): Promise<void> {
    let failure: Error | null = null;
    try {
      await this.#exchange(messages);
    } catch (thrown) {
      failure = thrown instanceof Error ? thrown : new Error(String(thrown));
    }
    done(failure);
  }

  async #exchange(messages: Buffer[]): Promise<void> {
    if (whyStopped(this.#database)) return;
    if (isTerminate(messages.at(-1))) {
      // the backend serves the next connection too: end only what this one left open
      if (this.#database.isInTransaction()) await this.#database.exec('ROLLBACK');
      messages.pop();
    }
    if (messages.length === 0) return;
    const parts: Buffer[] = [];
    // Not execProtocolRaw: that also parses every answer, and keeps the results for ever.
    await this.#database.execProtocolRawStream(
      messages.length === 1 ? messages[0]! : Buffer.concat(messages),
      { onRawData: (data) => void parts.push(Buffer.from(data)) },
    );
    const answer = Buffer.concat(parts);
    if (answer.length > 0) this.push(answer);
    const panic = panicIn(answer);
    if (!panic) return;
    panics.set(this.#database, panic);
    this.destroy(panic);
  }
}
