// Runs jobs one at a time, in the order in which they were added.

/** @example const queue = new SerialQueue(); const row = await queue.run(() => store.write(row)); */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Starts `job` when all earlier jobs have settled, including failed ones.
   * @returns the job's result; rejects as the job does
   */
  run<T>(job: () => T | Promise<T>): Promise<T> {
    const done = this.#last.then(job);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Resolves when every job added so far has settled; never rejects. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
