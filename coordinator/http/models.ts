// Uploads and downloads of models: starting models for later studies, and what a study has trained;
// and inspecting the data on which a study would be evaluated.
import { countSamples } from '../../common/dataset/inspect.js';
import { openDataset } from '../../common/dataset/open.node.js';
import { remarks } from '../../common/dataset/remarks.js';
import { decodeModel } from '../../common/model/encoding.js';
import type { Studies } from '../rounds/studies.js';
import type { Blobs } from '../storage/blobs.js';
import type { Store } from '../storage/store.js';
import { knownModels } from './known-models.js';
import { zippedModel } from './model-archive.js';
import { releasedModel } from './released-model.js';
import type { Handlers } from './serve.js';

interface Parts {
  readonly store: Store;
  readonly blobs: Blobs;
  readonly studies: Studies;
}

export const modelHandlers = ({
  store,
  blobs,
  studies,
}: Parts): Handlers<'models' | 'uploadModel' | 'inspectDataset' | 'model'> => ({
  models: async () => knownModels(blobs, await store.studies()),

  async uploadModel({ body }) {
    decodeModel(body); // a file that is no model is refused before it is stored
    return blobs.put(body);
  },

  async inspectDataset({ body: { data, seed } }) {
    const dataset = await openDataset(data, { seed });
    const { problems, ...counts } = countSamples(dataset);
    return { ...counts, problems: problems.length, remarks: remarks(dataset) };
  },

  async model({ params: { id, which }, query: { format } }, response) {
    const safetensors = await releasedModel({ store, blobs }, studies.runner(id).state, which);
    const zip = format === 'zip';
    response
      .type(zip ? 'application/zip' : 'application/octet-stream')
      .send(Buffer.from(zip ? await zippedModel(safetensors) : safetensors));
  },
});
