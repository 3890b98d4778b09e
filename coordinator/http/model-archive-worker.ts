// The thread that packs a model (model-archive.ts).
import { transfer } from 'comlink';
import { zipSync } from 'fflate';
import { useEngine } from '../../common/engine/engine.node.js';
import { decodeModel } from '../../common/model/encoding.js';
import { modelFiles } from '../../common/model/folder.node.js';
import { serve } from '../../common/workers/serve.node.js';

const service = {
  async pack(safetensors: Uint8Array): Promise<Uint8Array> {
    // Nothing is computed, but to build the topology tfjs allocates its weights for a moment.
    await useEngine('cpu');
    const files = modelFiles(decodeModel(safetensors)).map(
      ([name, content]) =>
        [
          name,
          typeof content === 'string' ? new TextEncoder().encode(content) : new Uint8Array(content),
        ] as const,
    );
    // Weights are noise to a compressor: stored as they are.
    const packed = zipSync(Object.fromEntries(files), { level: 0 });
    return transfer(packed, [packed.buffer]);
  },
};
export type ArchiveService = typeof service;

serve(service, { oneAtATime: true });
