// The page of the browser benchmark: inference and training steps on one engine.
import { useEngine } from '../../client/web/training/engines.js';
import type { EngineName } from '../../common/engine/engine.js';
import type { ArchitectureId } from '../../common/model/architecture.js';
import { inMemory, training } from '../common/engine/training.js';
import { median } from './benchmark.js';

async function perImage(
  batch: number,
  repeats: number,
  step: () => Promise<void>,
): Promise<number> {
  const times: number[] = [];
  for (let i = -1; i < repeats; i++) {
    const start = performance.now();
    await step();
    if (i >= 0) times.push((performance.now() - start) / batch);
  }
  return median(times);
}

const page = {
  use: (engine: EngineName) => useEngine(engine),

  /**
   * Milliseconds per image (medians after one warm-up step), and the bytes in the engine's memory
   * afterwards.
   */
  async measure(architecture: ArchitectureId, batch: number, trainFrom: string, repeats: number) {
    const { student, images, step, loss, dispose } = training(architecture, batch, trainFrom);
    const inference = await perImage(batch, repeats, async () => {
      const logits = student.logits(images);
      await logits.data();
      logits.dispose();
    });
    const trained = await perImage(batch, repeats, async () => {
      step();
      await loss();
    });
    const { heap } = inMemory();
    dispose();
    return { inference, training: trained, heap };
  },
};

export type BenchPage = typeof page;
Object.assign(globalThis, { page });
