// Runs a suite on each engine that is there; `native` is skipped, visibly, on a machine without it.
import { beforeAll, describe } from 'vitest';
import { type EngineName, surveyEngines, useEngine } from '../../common/engine/engine.node.js';

const reports = await surveyEngines();

/**
 * `cpu`, twenty times slower than WASM, only serves as a reference; what WebGPU computes can't be
 * read at once: it has the contract (test/common/engine).
 */
const served = reports.filter(({ name }) => name !== 'cpu' && name !== 'webgpu');

/** The engines that work here, fastest first. */
export const ENGINES: readonly EngineName[] = served.filter((r) => r.available).map((r) => r.name);

/** Why WebGPU doesn't work in this Node; undefined where it does. */
export const noWebgpu: string | undefined = reports.find(
  ({ name, available }) => name === 'webgpu' && !available,
)?.reason;

/**
 * describe() once per engine, with the engine in use while its tests run.
 * @example describeEngines('focal loss', (engine) => { it('…', () => { … }); });
 */
export function describeEngines(name: string, suite: (engine: EngineName) => void): void {
  for (const { name: engine, available, reason } of served) {
    describe.skipIf(!available)(
      `${name} [${available ? engine : `${engine}: skipped, ${reason}`}]`,
      () => {
        beforeAll(async () => void (await useEngine(engine)));
        suite(engine);
      },
    );
  }
}
