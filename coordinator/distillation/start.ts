// What a network starts from: a model folder, or a published file of weights.
import { readFile, stat } from 'node:fs/promises';
import { LentigoError } from '../../common/errors.js';
import type { ArchitectureId } from '../../common/model/architecture-id.js';
import { networkOf } from '../../common/model/architecture.js';
import { loadModel } from '../../common/model/folder.node.js';
import { importBackbone } from '../../common/model/import-weights.js';
import type { LabelSet } from '../../common/model/labels.js';
import { initialParameters, type Model } from '../../common/model/student.js';
import type { Random } from '../../common/random.js';

/**
 * The model in a folder, its head kept if it is for the same diagnoses; or the backbone in a safetensors file, with a new head.
 * @throws LENTIGO_WEIGHTS_INVALID nothing is there, or it is of another architecture; LENTIGO_MODEL_INVALID
 */
export async function startingModel(path: string, architecture: ArchitectureId, labels: LabelSet, random: Random): Promise<Model> {
  const isFolder = await stat(path).then((s) => s.isDirectory(), (cause: unknown) => {
    throw new LentigoError('LENTIGO_WEIGHTS_INVALID', `${path} can't be read: ${(cause as Error).message}`, { cause });
  });
  if (!isFolder) {
    try {
      return importBackbone(await readFile(path), architecture, labels, random);
    } catch (cause) {
      throw new LentigoError('LENTIGO_WEIGHTS_INVALID', `${path}: ${(cause as Error).message}`, { cause });
    }
  }
  const model = await loadModel(path);
  if (model.architecture !== architecture) throw new LentigoError('LENTIGO_WEIGHTS_INVALID', `${path} holds a model of ${model.architecture}, not of ${architecture}`);
  if (model.labels.names.join() === labels.names.join()) return { ...model, labels };
  const { dense } = networkOf(architecture).head;
  const backbone = new Set(model.parameters.specs.map(({ name }) => name).filter((name) => !name.startsWith(`${dense}.`)));
  return { architecture, labels, parameters: initialParameters(architecture, labels, random).with(model.parameters.subset(backbone)) };
}
