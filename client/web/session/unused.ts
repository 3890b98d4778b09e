// Detects when nobody has used the page for a time. It compares wall-clock times, because timers
// stop while a phone or a laptop sleeps.

const USES = ['pointerdown', 'pointermove', 'touchmove', 'wheel', 'keydown'] as const;
const LOOK_EVERY_MS = 5_000;

/**
 * Calls `act` once the page was unused for `ms`, at the latest on the next use.
 * @returns a function that stops watching
 */
export function whenUnused(ms: number, act: () => void): () => void {
  let last = Date.now();
  const look = (): void => {
    const unused = Date.now() - last;
    if (unused < ms) return;
    last = Date.now();
    act();
  };
  const use = (): void => {
    look();
    last = Date.now();
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  const listening = { capture: true, passive: true };
  for (const name of USES) addEventListener(name, use, listening);
  return () => {
    clearInterval(timer);
    for (const name of USES) removeEventListener(name, use, listening);
  };
}
