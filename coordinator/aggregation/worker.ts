// The aggregation thread: opens, checks and combines updates off the event loop. One job at a time,
// so that memory stays bounded.
import { parentPort } from 'node:worker_threads';
import { loadExtensions } from '../../common/extensions.node.js';
import { asLentigoError, type ErrorCode } from '../../common/errors.js';
import { runAggregateJob, type AggregateJob } from './aggregate-job.js';
import { checkUpdate, type CheckJob } from './check-update.js';

export type Task =
  | { readonly kind: 'check'; readonly job: CheckJob }
  | { readonly kind: 'aggregate'; readonly job: AggregateJob };
export type Request = Task & { readonly id: number };
export type Reply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | {
      readonly id: number;
      readonly ok: false;
      readonly code: ErrorCode;
      readonly message: string;
      readonly stack: string | undefined;
    };

const port = parentPort;
if (!port) throw new Error('worker.js runs in a worker thread only');
await loadExtensions();

const run = (task: Task): Promise<unknown> =>
  task.kind === 'check' ? checkUpdate(task.job) : runAggregateJob(task.job);

async function answer(request: Request): Promise<Reply> {
  try {
    return { id: request.id, ok: true, value: await run(request) };
  } catch (thrown) {
    const { code, message } = asLentigoError(thrown);
    return {
      id: request.id,
      ok: false,
      code,
      message,
      stack: thrown instanceof Error ? thrown.stack : undefined,
    };
  }
}

let queue = Promise.resolve();
port.on('message', (request: Request) => {
  queue = queue.then(async () => port.postMessage(await answer(request)));
});
