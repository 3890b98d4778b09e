// Jobs one at a time, in the order in which they were given.

/** @example const queue = new SerialQueue(); const row = await queue.run(() => store.write(row)); */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Starts `job` when all jobs before it have settled, failed ones too.
   * @returns what the job returns; rejects as it does
   */
  run<T>(job: () => T | Promise<T>): Promise<T> {
    const done = this.#last.then(job);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Settles when every job given so far has settled; never rejects. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
