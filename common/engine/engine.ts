// Engines are tfjs backends: what they are called here, what is known about each on this machine,
// and the choice among them, in Node and browsers alike.
import * as tf from '@tensorflow/tfjs';
import { LentigoError } from '../errors.js';
import { selfCheck } from './self-check.js';

export type EngineName = 'native' | 'webgpu' | 'wasm' | 'cpu';

/** One line of `lentigo doctor`. */
export interface EngineReport {
  readonly name: EngineName;
  readonly available: boolean;
  readonly chosen: boolean;
  /** Why it is or isn't available, and why it is or isn't chosen. */
  readonly reason: string;
  /** So slow here that it is never chosen by itself. */
  readonly onRequest?: boolean;
}

/** What was loaded. `onRequest`: it works, and so slowly that it is never chosen by itself. */
export interface Prepared {
  readonly what: string;
  readonly onRequest?: boolean;
}

/** How a platform starts one of its engines. */
export interface Engine {
  readonly name: EngineName;
  /** tfjs's name for it. */
  readonly backend: string;
  /** Loads what the backend needs; throws what is in the way. */
  readonly prepare: () => Promise<Prepared>;
}

/** Makes a tfjs backend the one in use. */
export async function activate(backend: string): Promise<void> {
  if (!(await tf.setBackend(backend)))
    throw new Error(`tfjs could not start its ${backend} backend`);
  await tf.ready();
}

/**
 * Plain JavaScript, twenty times slower than WASM: the last of every platform's engines, and only
 * on request.
 */
export const CPU: Engine = {
  name: 'cpu',
  backend: 'cpu',
  prepare: async () => {
    await activate('cpu');
    // The backend advertises tfjs-node on first use.
    Object.assign(tf.backend(), { firstUse: false });
    return { what: 'plain JavaScript', onRequest: true };
  },
};

/** First line of what was thrown. */
const reasonOf = (thrown: unknown): string =>
  (thrown instanceof Error ? thrown.message : String(thrown)).split('\n')[0]!.trim();

/**
 * The choice among a platform's engines.
 * @param engines fastest first
 * @param preference what the environment asks for, and what it is called there; undefined leaves
 *   the choice to us
 */
export function chooseAmong(
  engines: readonly Engine[],
  preference: () => { name: string; source: string } | undefined = () => undefined,
) {
  const started = new Map<EngineName, Promise<Prepared>>();
  /** Starts an engine, once, and checks that it computes what it should. */
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
   * Which engines work here, and which one is chosen and why. Every engine is started once; the
   * backend in use stays in use. Never throws because one is missing.
   * @param name what is asked for, else what the environment asks for, else the fastest that works
   * @throws LENTIGO_ENGINE_UNAVAILABLE when the environment asks for none of them.
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
   * Prepares an engine and makes it the tfjs backend: `name`, else the one that the environment
   * asks for, else the fastest that works. May be called again, with another name, at any time.
   * @throws LENTIGO_ENGINE_UNAVAILABLE when the one asked for, or every one, fails to start or
   *   computes wrongly.
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
