// Published weights as a Lentigo model: torchvision's or timm's parameter names, with the head kept or a new one.
import { LentigoError } from '../errors.js';
import type { Random } from '../random.js';
import { type ArchitectureId, DENSE, parameterSpecs } from './architecture.js';
import { fromTorch } from './encoding.js';
import type { LabelSet } from './labels.js';
import { decodeSafetensors, type StoredTensor } from './safetensors.js';
import { initialParameters, type Model } from './student.js';
import { timmModules, torchvisionName } from './timm.js';

const isHead = (name: string): boolean => name.startsWith(`${DENSE}.`);

/** The tensors of a safetensors file under torchvision's names. Batch norms' counters are dropped, whatever their type. */
function read(bytes: Uint8Array, architecture: ArchitectureId): StoredTensor[] {
  const modules = timmModules(architecture);
  return decodeSafetensors(bytes)
    .tensors.filter(({ name }) => !name.endsWith('.num_batches_tracked'))
    .map((t) => ({ ...t, name: torchvisionName(t.name, modules) }));
}

/**
 * The file's backbone with a new, seeded head for `labels`.
 * @throws LENTIGO_WEIGHTS_INVALID when the file is damaged or doesn't hold the architecture's parameters.
 */
export function importBackbone(bytes: Uint8Array, architecture: ArchitectureId, labels: LabelSet, random: Random): Model {
  const specs = parameterSpecs(architecture, labels.names.length);
  const backbone = fromTorch(read(bytes, architecture).filter((t) => !isHead(t.name)), specs.filter((s) => !isHead(s.name)));
  return { architecture, labels, parameters: initialParameters(architecture, labels, random).with(backbone) };
}

/**
 * The file's backbone and head; `labels` gives its classes names, by default class_0, class_1, … with none malignant.
 * @throws LENTIGO_WEIGHTS_INVALID as importBackbone, and when there are not as many labels as the head has classes.
 */
export function importWithHead(bytes: Uint8Array, architecture: ArchitectureId, labels?: LabelSet): Model {
  const tensors = read(bytes, architecture);
  const classes = tensors.find((t) => t.name === `${DENSE}.bias`)?.values.length;
  if (classes === undefined) throw new LentigoError('LENTIGO_WEIGHTS_INVALID', `parameter ${DENSE}.bias is missing: the file has no head to keep`);
  if (classes < 2) throw new LentigoError('LENTIGO_WEIGHTS_INVALID', `the head of the file has ${classes} class`);
  if (labels && labels.names.length !== classes) throw new LentigoError('LENTIGO_WEIGHTS_INVALID', `${labels.names.length} labels are given for the ${classes} classes of the head`);
  const named = labels ?? { names: Array.from({ length: classes }, (_, i) => `class_${i}`), malignant: [] };
  return { architecture, labels: named, parameters: fromTorch(tensors, parameterSpecs(architecture, classes)) };
}
