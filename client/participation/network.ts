// What every request of a clinic to its coordinator needs: the address of a path, and a watch over
// transfers that stall.

/** A path of the coordinator's API: `url` may itself have a path (a proxy's prefix). */
export const endpoint = (url: string, path: string): string => url.replace(/\/+$/, '') + path;

/**
 * Calls `stalled` once `ms` have passed without `alive` or `stop`. Every transfer needs it, Node's
 * fetch for one more reason: where the connection closes before the process's first request is
 * written, it never settles (undici 6).
 */
export function watchStalls(ms: number, stalled: () => void): { alive(): void; stop(): void } {
  const start = () => setTimeout(stalled, ms);
  let timer = start();
  return {
    alive: () => {
      clearTimeout(timer);
      timer = start();
    },
    stop: () => clearTimeout(timer),
  };
}
