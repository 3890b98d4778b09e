// node-postgres over the PGlite in this process: new pg.Pool({ stream: () => new PgliteSocket(database), max: 1 }).
import { Duplex } from 'node:stream';
import type { PGlite } from '@electric-sql/pglite';

/** PostgreSQL's Terminate message: 'X' and its own length. */
const isTerminate = (message: Buffer | undefined): boolean => message?.length === 5 && message[0] === 0x58;

/** What pg takes for a TCP socket: messages written go to PGlite's one backend, its answers are read back. */
export class PgliteSocket extends Duplex {
  readonly #database: PGlite;

  constructor(database: PGlite) {
    super({ allowHalfOpen: false });
    this.#database = database;
  }

  connect(): this {
    this.#database.waitReady.then(
      () => this.emit('connect'),
      (reason: Error) => this.destroy(reason),
    );
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
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    void this.#send([chunk], done);
  }
  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    void this.#send(chunks.map(({ chunk }) => chunk), done);
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
    if (isTerminate(messages.at(-1))) {
      // the backend serves the next connection too: end only what this one left open
      if (this.#database.isInTransaction()) await this.#database.exec('ROLLBACK');
      messages.pop();
    }
    if (messages.length === 0) return;
    const answer = await this.#database.execProtocolRaw(messages.length === 1 ? messages[0]! : Buffer.concat(messages));
    if (answer.length > 0) this.push(Buffer.from(answer));
  }
}
