import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openDataset } from '../../../common/dataset/open.node.js';
import { useEngine } from '../../../common/engine/engine.node.js';
import { evaluate } from '../../../common/evaluation/evaluate.js';
import { Metrics } from '../../../common/evaluation/metrics.js';
import { encodeModel, encodeParameters } from '../../../common/model/encoding.js';
import { PAD_UFES_LABELS } from '../../../common/model/labels.js';
import { createStudent, initialParameters } from '../../../common/model/student.js';
import { Random } from '../../../common/random.js';
import { Evaluator } from '../../../coordinator/evaluation/evaluator.js';
import { ENGINES } from '../../support/engines.js';

const DATA = 'synthetic:site=1,2&images=60&size=64';

describe('evaluation in a worker', () => {
  let folder: string;
  const trained = initialParameters('nano', PAD_UFES_LABELS, new Random(2));
  const job = (fields: object = {}) => ({
    start: join(folder, 'start'),
    result: join(folder, 'result'),
    trainFrom: 'features.3',
    data: DATA,
    seed: 1,
    ...fields,
  });
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lentigo-evaluation-'));
    const parameters = initialParameters('nano', PAD_UFES_LABELS, new Random(1));
    const model = { architecture: 'nano' as const, labels: PAD_UFES_LABELS, parameters };
    await writeFile(join(folder, 'start'), encodeModel(model));
    const student = createStudent({ ...model, parameters });
    await writeFile(
      join(folder, 'result'),
      encodeParameters(trained.subset(new Set(student.trainable('features.3')))),
    );
    student.dispose();
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each(ENGINES)(
    'gives the metrics of both splits, as evaluating here does, and the next round sooner (%s)',
    async (engine) => {
      const evaluator = new Evaluator({ engine });
      const seen: number[] = [];
      let ticks = 0;
      const timer = setInterval(() => ticks++, 5);
      const first = await evaluator.evaluate(job(), (p) => seen.push(p));
      clearInterval(timer);
      expect(ticks).toBeGreaterThan(2);
      expect(seen).toEqual(seen.toSorted((a, b) => a - b));
      expect([seen[0]! > 0 && seen[0]! < 1, seen.at(-1)]).toEqual([true, 1]);
      const second = await evaluator.evaluate(job());
      await evaluator.close();
      expect(Metrics.parse(first.validation)).toEqual(second.validation);
      expect(second.seconds).toBeLessThan(first.seconds);
      // Chosen on validation, used on held-out.
      const { validation, heldout } = first;
      expect(validation.operatingPoint!.threshold).toBeGreaterThan(0);
      expect(heldout.operatingPoint!.threshold).toBe(validation.operatingPoint!.threshold);
      expect(heldout.operatingPoint!.malignant + heldout.operatingPoint!.benign).toBe(
        heldout.samples,
      );

      await useEngine(engine);
      const start = initialParameters('nano', PAD_UFES_LABELS, new Random(1));
      const student = createStudent({
        architecture: 'nano',
        labels: PAD_UFES_LABELS,
        parameters: start,
      });
      student.load(trained.subset(new Set(student.trainable('features.3'))));
      const { samples } = await openDataset(DATA, { seed: 1 });
      for (const split of ['validation', 'heldout'] as const) {
        const here = await evaluate(
          student,
          samples.filter((s) => s.split === split),
        );
        expect(first[split].confusion).toEqual(here.confusion);
        expect(first[split].aucOvr).toBeCloseTo(here.aucOvr!, 6);
      }
      student.dispose();
    },
  );

  it('says which split is missing, and goes on with the next job', async () => {
    const evaluator = new Evaluator({ engine: 'wasm' });
    await expect(
      evaluator.evaluate(job({ data: 'synthetic:images=6&size=64&split=train' })),
    ).rejects.toMatchObject({
      code: 'LENTIGO_DATA_EMPTY',
      message: expect.stringContaining('validation') as string,
    });
    await expect(evaluator.evaluate(job({ result: join(folder, 'start') }))).rejects.toMatchObject({
      code: 'LENTIGO_WEIGHTS_INVALID',
    });
    expect((await evaluator.evaluate(job())).validation.samples).toBeGreaterThan(5);
    await evaluator.close();
  });

  it('reports that its worker died during a job, and starts another for the next', async () => {
    const post = vi.spyOn(Worker.prototype, 'postMessage');
    const evaluator = new Evaluator({ engine: 'wasm' });
    const refused = expect(evaluator.evaluate(job())).rejects.toMatchObject({
      code: 'LENTIGO_INTERNAL',
      message: expect.stringContaining('worker died') as string,
    });
    const worker = post.mock.contexts[0] as Worker;
    post.mockRestore();
    await worker.terminate();
    await refused;
    expect((await evaluator.evaluate(job())).heldout.samples).toBeGreaterThan(5);
    await evaluator.close();
  });

  it('rejects a job that was running when it was closed', async () => {
    const evaluator = new Evaluator({ engine: 'wasm' });
    const refused = expect(evaluator.evaluate(job())).rejects.toMatchObject({
      code: 'LENTIGO_INTERNAL',
      message: expect.stringContaining('was closed') as string,
    });
    await evaluator.close();
    await refused;
  });
});
