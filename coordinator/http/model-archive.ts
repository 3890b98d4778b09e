// A model as one file that unpacks to a model folder. In a thread of its own: model.json is built
// by tfjs, which needs an engine.
import { Worker } from 'node:worker_threads';
import { LentigoError } from '../../common/errors.js';

/** @param safetensors a whole model; @returns the bytes of a ZIP. @throws LENTIGO_INTERNAL */
export function zippedModel(safetensors: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./model-archive-worker.js', import.meta.url), {
      workerData: safetensors,
    });
    worker.once('message', resolve);
    worker.once('error', (cause: unknown) =>
      reject(new LentigoError('LENTIGO_INTERNAL', 'the model could not be packed', { cause })),
    );
    worker.once('exit', () =>
      reject(new LentigoError('LENTIGO_INTERNAL', 'the model could not be packed')),
    );
  });
}
