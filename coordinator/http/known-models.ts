// Starting models available to a new study without an upload: the one that comes with Lentigo, and
// those of the studies here.
import { blocksOf } from '../../common/model/architecture.js';
import { encodeModel } from '../../common/model/encoding.js';
import { loadModel, SHIPPED_MODEL } from '../../common/model/folder.node.js';
import type { KnownModels } from '../../common/protocol/console.js';
import type { Blobs } from '../storage/blobs.js';
import type { StudyRecord } from '../rounds/records.js';

export async function knownModels(
  blobs: Blobs,
  studies: readonly StudyRecord[],
): Promise<KnownModels> {
  const shipped = await loadModel(SHIPPED_MODEL);
  const known: KnownModels = [
    {
      name: 'models/start',
      architecture: shipped.architecture,
      blocks: blocksOf(shipped.architecture),
      labels: shipped.labels,
      ...(await blobs.put(encodeModel(shipped))),
    },
  ];
  for (const { state, architecture, labels } of studies) {
    if (known.every(({ sha256 }) => sha256 !== state.start.sha256))
      known.push({
        name: state.config.model,
        architecture,
        blocks: blocksOf(architecture),
        labels,
        ...state.start,
      });
  }
  return known;
}
