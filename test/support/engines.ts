// Runs a suite on each engine that is there; `native` is skipped, visibly, on a machine without it.
import { beforeAll, describe } from 'vitest';
import { type EngineName, surveyEngines, useEngine } from '../../common/engine/engine.node.js';

const reports = await surveyEngines();

/** The engines that work here, fastest first; `cpu`, twenty times slower than WASM, only serves as a reference. */
export const ENGINES: readonly EngineName[] = reports.filter((r) => r.available && r.name !== 'cpu').map((r) => r.name);

/**
 * describe() once per engine, with the engine in use while its tests run.
 * @example describeEngines('focal loss', (engine) => { it('…', () => { … }); });
 */
export function describeEngines(name: string, suite: (engine: EngineName) => void): void {
  for (const { name: engine, available, reason } of reports) {
    if (engine === 'cpu') continue;
    describe.skipIf(!available)(`${name} [${available ? engine : `${engine}: skipped, ${reason}`}]`, () => {
      beforeAll(async () => void (await useEngine(engine)));
      suite(engine);
    });
  }
}
