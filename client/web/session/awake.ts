// Keeps a phone's screen on while it trains (Screen Wake Lock), because a dark screen suspends the
// page.

export class ScreenAwake {
  #lock: WakeLockSentinel | undefined;
  #wanted = false;
  /** The browser releases the lock whenever the page is hidden. */
  readonly #again = (): void => {
    if (this.#wanted && document.visibilityState === 'visible') void this.#request();
  };

  async keep(): Promise<void> {
    this.#wanted = true;
    document.addEventListener('visibilitychange', this.#again);
    await this.#request();
  }
  async release(): Promise<void> {
    this.#wanted = false;
    document.removeEventListener('visibilitychange', this.#again);
    await this.#lock?.release();
    this.#lock = undefined;
  }
  /**
   * The request is refused on low battery and unsupported in some browsers; training goes on
   * without it.
   */
  async #request(): Promise<void> {
    this.#lock = await navigator.wakeLock?.request('screen').catch(() => undefined);
  }
}
