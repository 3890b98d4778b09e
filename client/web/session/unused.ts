// Notices when nobody has used the page for a time. By the clock on the wall: timers stand still
// while a phone or a laptop sleeps.

const USES = ['pointerdown', 'pointermove', 'touchmove', 'wheel', 'keydown'] as const;
const LOOK_EVERY_MS = 5_000;

/**
 * Calls `act` once nobody has touched anything for `ms`, and at the latest when somebody does
 * again.
 * @returns how to end it
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
