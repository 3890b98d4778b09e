// A model as one file that unpacks to a model folder. In a thread of its own: model.json is built
// by tfjs, which needs an engine.
import { ServiceThread } from '../../common/workers/thread.node.js';
import type { ArchiveService } from './model-archive-worker.js';

/**
 * @param safetensors a whole model
 * @returns the bytes of a ZIP, weights stored as they are
 * @throws LENTIGO_WEIGHTS_INVALID
 */
export async function zippedModel(safetensors: Uint8Array): Promise<Uint8Array> {
  const thread = new ServiceThread<ArchiveService>(
    'the thread that packs models',
    new URL('./model-archive-worker.js', import.meta.url),
  );
  try {
    return await thread.call('pack', safetensors);
  } finally {
    await thread.close();
  }
}
