// The evaluation thread: inference off the event loop, one job at a time.
import { parentPort, workerData } from 'node:worker_threads';
import { loadExtensions } from '../../common/extensions.node.js';
import { type EngineName, useEngine } from '../../common/engine/engine.node.js';
import { asLentigoError, type ErrorCode } from '../../common/errors.js';
import { type Evaluation, EvaluationBench, type EvaluationJob } from './job.js';

export interface Request {
  readonly id: number;
  readonly job: EvaluationJob;
}
export type Reply = { readonly id: number } & (
  | { readonly kind: 'progress'; readonly fraction: number }
  | { readonly kind: 'done'; readonly value: Evaluation }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly stack: string | undefined;
    }
);

const port = parentPort;
if (!port) throw new Error('worker.js runs in a worker thread only');
await loadExtensions();
const { engine } = workerData as { engine: EngineName | undefined };
const bench = new EvaluationBench();
const reply = (message: Reply): void => port.postMessage(message);

async function answer({ id, job }: Request): Promise<Reply> {
  try {
    await useEngine(engine);
    const value = await bench.run(job, (fraction) => reply({ id, kind: 'progress', fraction }));
    return { id, kind: 'done', value };
  } catch (thrown) {
    const { code, message } = asLentigoError(thrown);
    return {
      id,
      kind: 'failed',
      code,
      message,
      stack: thrown instanceof Error ? thrown.stack : undefined,
    };
  }
}

let queue = Promise.resolve();
port.on('message', (request: Request) => {
  queue = queue.then(async () => reply(await answer(request)));
});
