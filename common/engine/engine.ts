// Engines are tfjs backends. This file has their names, what is known about each on this machine,
// and the choice among them, in Node and in browsers.
import * as tf from '@tensorflow/tfjs';
import { LentigoError } from '../errors.js';
import { selfCheck } from './self-check.js';

export type EngineName = 'native' | 'webgpu' | 'wasm' | 'cpu';

/** One engine's line in `lentigo doctor`. */
export interface EngineReport {
  readonly name: EngineName;
  readonly available: boolean;
  readonly chosen: boolean;
  /** Why it is or isn't available, and why it is or isn't chosen. */
  readonly reason: string;
  /** Whether it is so slow here that it is used only on request. */
  readonly onRequest?: boolean;
}

/** What was loaded. With `onRequest` it works, but so slowly that it is used only on request. */
export interface Prepared {
  readonly what: string;
  readonly onRequest?: boolean;
}

/** How a platform starts one of its engines. */
export interface Engine {
  readonly name: EngineName;
  /** tfjs's name for the engine. */
  readonly backend: string;
  /** Loads what the backend needs; throws the reason if it can't. */
  readonly prepare: () => Promise<Prepared>;
}

/** Makes a tfjs backend the one in use. */
export async function activate(backend: string): Promise<void> {
  if (!(await tf.setBackend(backend)))
    throw new Error(`tfjs could not start its ${backend} backend`);
  await tf.ready();
}

/**
 * Plain JavaScript, twenty times slower than WASM: the last engine of every platform, and only on
 * request.
 */
export const CPU: Engine = {
  name: 'cpu',
  backend: 'cpu',
  prepare: async () => {
    await activate('cpu');
    // Without this, the backend advertises tfjs-node on first use.
    Object.assign(tf.backend(), { firstUse: false });
    return { what: 'plain JavaScript', onRequest: true };
  },
};

/** The first line of the error's message. */
const reasonOf = (thrown: unknown): string =>
  (thrown instanceof Error ? thrown.message : String(thrown)).split('\n')[0]!.trim();

/**
 * The choice among a platform's engines.
 * @param engines fastest first
 * @param preference the engine that the environment asks for, and the name of that setting;
 *   undefined leaves the choice open
 */
export function chooseAmong(
  engines: readonly Engine[],
  preference: () => { name: string; source: string } | undefined = () => undefined,
) {
  const started = new Map<EngineName, Promise<Prepared>>();
  /** Starts an engine, once, and checks that it computes correctly. */
  const start = (engine: Engine): Promise<Prepared> => {
    const running =
      started.get(engine.name) ??
      engine.prepare().then(async (prepared) => {
        if (engine !== CPU) await selfCheck(engine.backend, () => CPU.prepare());
        return prepared;
      });
    started.set(engine.name, running);
    return running;
  };
  const known = (name: string): EngineName => {
    if (engines.some((e) => e.name === name)) return name as EngineName;
    throw new LentigoError(
      'LENTIGO_ENGINE_UNAVAILABLE',
      `there is no engine "${name}": it is one of ${engines.map((e) => e.name).join(', ')}`,
    );
  };

  /**
   * Lists which engines work here, which one is chosen, and why. It starts every engine once, then
   * returns to the backend in use. A missing engine is not an error.
   * @param name the engine asked for; by default the environment's, otherwise the fastest that
   *   works
   * @throws LENTIGO_ENGINE_UNAVAILABLE when the environment names an engine that doesn't exist
   */
  async function surveyEngines(name?: EngineName): Promise<EngineReport[]> {
    const preferred = name ? { name, source: 'the caller' } : preference();
    const asked = preferred && known(preferred.name);
    const before = tf.getBackend() as string | undefined;
    const findings: { name: EngineName; available: boolean; what: string; onRequest?: boolean }[] =
      [];
    for (const engine of engines) {
      const { name } = engine;
      try {
        findings.push({ name, available: true, ...(await start(engine)) });
      } catch (e) {
        findings.push({ name, available: false, what: reasonOf(e) });
      }
    }
    if (before) await tf.setBackend(before);
    const chosen = findings.find(
      (f) => f.available && (asked ? f.name === asked : !f.onRequest),
    )?.name;
    return findings.map(({ name, available, what, onRequest }) => {
      if (!available) return { name, available, chosen: false, reason: what };
      const why =
        name === chosen
          ? asked
            ? `${preferred.source} asks for it`
            : 'the fastest that works here'
          : asked
            ? `${preferred.source} asks for ${asked}`
            : onRequest
              ? 'only on request'
              : `${chosen} is faster`;
      return {
        name,
        available,
        chosen: name === chosen,
        reason: `${what}; ${why}`,
        ...(onRequest && { onRequest }),
      };
    });
  }

  /**
   * Prepares an engine and makes it the tfjs backend: `name`, otherwise the one that the
   * environment asks for, otherwise the fastest that works. Can be called again with another name
   * at any time.
   * @throws LENTIGO_ENGINE_UNAVAILABLE when the engine asked for, or every engine, fails to start
   *   or computes wrongly
   */
  async function useEngine(name?: EngineName): Promise<EngineName> {
    const wanted = name ?? preference()?.name;
    const asked = wanted === undefined ? undefined : known(wanted);
    const failures: string[] = [];
    for (const engine of engines) {
      if (asked && engine.name !== asked) continue;
      try {
        const { what, onRequest } = await start(engine);
        if (onRequest && !asked) throw new Error(`${what}, only on request`);
        await activate(engine.backend);
        return engine.name;
      } catch (e) {
        failures.push(`${engine.name}: ${reasonOf(e)}`);
      }
    }
    throw new LentigoError(
      'LENTIGO_ENGINE_UNAVAILABLE',
      `no engine could be started (${failures.join('; ')})`,
    );
  }

  return { surveyEngines, useEngine };
}
