// Imports published weights as a Lentigo model: parameters named as in torchvision, timm or Keras,
// with the file's head or a new one.
import { LentigoError } from '../errors.js';
import type { Random } from '../random.js';
import { type ArchitectureId, networkOf, parameterSpecs } from './architecture.js';
import type { LabelSet } from './labels.js';
import { decodeSafetensors, type StoredTensor } from './safetensors.js';
import { initialParameters, type Model } from './student.js';
import { fromTorch } from './torch-layout.js';

const isHead = (name: string, architecture: ArchitectureId): boolean =>
  name.startsWith(`${networkOf(architecture).head.dense}.`);

/**
 * The tensors of a safetensors file under our names. Batch norms' counters are dropped, whatever
 * their type.
 */
function read(bytes: Uint8Array, architecture: ArchitectureId): StoredTensor[] {
  const { metadata, tensors } = decodeSafetensors(bytes);
  const named = metadata['architecture'];
  if (named !== undefined && named !== architecture)
    throw new LentigoError(
      'LENTIGO_WEIGHTS_INVALID',
      `these are weights of ${named}, not of ${architecture}`,
    );
  const { translate = (tensor) => tensor } = networkOf(architecture);
  return tensors.filter(({ name }) => !name.endsWith('.num_batches_tracked')).map(translate);
}

/**
 * A model with the file's backbone and a new, seeded head for `labels`.
 * @throws LENTIGO_WEIGHTS_INVALID when the file is damaged or doesn't contain the architecture's
 *   parameters
 */
export function importBackbone(
  bytes: Uint8Array,
  architecture: ArchitectureId,
  labels: LabelSet,
  random: Random,
): Model {
  const specs = parameterSpecs(architecture, labels.names.length);
  const backbone = fromTorch(
    read(bytes, architecture).filter((t) => !isHead(t.name, architecture)),
    specs.filter((s) => !isHead(s.name, architecture)),
  );
  return {
    architecture,
    labels,
    parameters: initialParameters(architecture, labels, random).with(backbone),
  };
}

/**
 * A model with the file's backbone and head. `labels` names its classes, by default class_0,
 * class_1, … with none malignant.
 * @throws LENTIGO_WEIGHTS_INVALID as importBackbone, and when the number of labels isn't the head's
 *   number of classes
 */
export function importWithHead(
  bytes: Uint8Array,
  architecture: ArchitectureId,
  labels?: LabelSet,
): Model {
  const tensors = read(bytes, architecture);
  const { dense } = networkOf(architecture).head;
  const classes = tensors.find((t) => t.name === `${dense}.bias`)?.values.length;
  if (classes === undefined)
    throw new LentigoError(
      'LENTIGO_WEIGHTS_INVALID',
      `parameter ${dense}.bias is missing: the file has no head to keep`,
    );
  if (classes < 2)
    throw new LentigoError('LENTIGO_WEIGHTS_INVALID', `the head of the file has ${classes} class`);
  if (labels && labels.names.length !== classes)
    throw new LentigoError(
      'LENTIGO_WEIGHTS_INVALID',
      `${labels.names.length} labels are given for the ${classes} classes of the head`,
    );
  const named = labels ?? {
    names: Array.from({ length: classes }, (_, i) => `class_${i}`),
    malignant: [],
  };
  return {
    architecture,
    labels: named,
    parameters: fromTorch(tensors, parameterSpecs(architecture, classes)),
  };
}
