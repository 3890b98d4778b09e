// Imports published weights as a Lentigo model: parameters named as in torchvision, timm or Keras,
// with the file's head or a new one.
import { LentigoError } from '../errors.js';
import type { Random } from '../random.js';
import { type ArchitectureId, architectures } from './architecture-id.js';
import { networkOf, parameterSpecs } from './architecture.js';
import type { LabelSet } from './labels.js';
import type { Safetensors, StoredTensor } from './safetensors.js';
import { initialParameters, type Model } from './student.js';
import { fromTorch } from './torch-layout.js';

export interface Imported extends Model {
  /**
   * What all names in the file began with and the architecture's don't, such as "module." of
   * PyTorch's DataParallel; empty where there was nothing.
   */
  readonly prefix: string;
}

const isHead = (name: string, architecture: ArchitectureId): boolean =>
  name.startsWith(`${networkOf(architecture).head.dense}.`);

const NOTHING = new Float32Array();

/** A name as the architecture has it: translated if it is of another library. */
function ownName(name: string, architecture: ArchitectureId): string {
  const { translate } = networkOf(architecture);
  return translate ? translate({ name, shape: [], values: NOTHING }).name : name;
}

/**
 * What stands before the architecture's names: of all beginnings, up to a dot, the one behind which
 * most of them are found.
 */
function prefixOf(names: readonly string[], architecture: ArchitectureId): string {
  const own = new Set(parameterSpecs(architecture, 2).map(({ name }) => name));
  const found = new Map<string, number>([['', 0]]);
  for (const name of names)
    for (let at = 0; at >= 0; at = name.indexOf('.', at) + 1 || -1)
      if (own.has(ownName(name.slice(at), architecture)))
        found.set(name.slice(0, at), (found.get(name.slice(0, at)) ?? 0) + 1);
  return [...found].reduce((most, one) => (one[1] > most[1] ? one : most))[0];
}

interface Renamed {
  readonly prefix: string;
  /** The tensors behind the prefix, under our names. */
  readonly tensors: readonly StoredTensor[];
  /** Those without it: other parts of what the file was saved from. */
  readonly others: readonly StoredTensor[];
}

function read({ metadata, tensors }: Safetensors, architecture: ArchitectureId): Renamed {
  const named = metadata['architecture'];
  if (named !== undefined && named !== architecture)
    throw new LentigoError(
      'LENTIGO_WEIGHTS_INVALID',
      `these are weights of ${named}, not of ${architecture}`,
    );
  const names = tensors.map(({ name }) => name);
  const prefix = prefixOf(names, architecture);
  const { translate = (tensor) => tensor } = networkOf(architecture);
  const own = tensors
    .filter(({ name }) => name.startsWith(prefix))
    .map((tensor) => translate({ ...tensor, name: tensor.name.slice(prefix.length) }));
  requireSome(own, names, architecture);
  return { prefix, tensors: own, others: tensors.filter(({ name }) => !name.startsWith(prefix)) };
}

/** A file of which nothing fits is of another network: says so, and of which if that is known. */
function requireSome(
  tensors: readonly StoredTensor[],
  names: readonly string[],
  architecture: ArchitectureId,
): void {
  const fitting = (id: ArchitectureId, own: readonly string[]): number => {
    const wanted = new Set(parameterSpecs(id, 2).map(({ name }) => name));
    return own.filter((name) => wanted.has(name)).length;
  };
  const given = tensors.map(({ name }) => name);
  const half = parameterSpecs(architecture, 2).length / 2;
  if (fitting(architecture, given) >= half) return;
  const other = architectures.names().find((id) => {
    const prefix = prefixOf(names, id);
    const own = names.map((name) => ownName(name.slice(prefix.length), id));
    return fitting(id, own) === parameterSpecs(id, 2).length;
  });
  throw new LentigoError(
    'LENTIGO_WEIGHTS_INVALID',
    other === undefined
      ? `the file's ${names.length} tensors (${names.slice(0, 3).join(', ')}, …) are not those of ${architecture} as torchvision, timm or Keras name them`
      : `these are weights of ${other}, not of ${architecture}: give --architecture ${other}`,
  );
}

/**
 * A model with the file's backbone and a new, seeded head for `labels`. Where the backbone's names
 * begin with a prefix, what has another beginning is left out.
 * @throws LENTIGO_WEIGHTS_INVALID when the file doesn't contain the architecture's parameters, or
 *   they can't be computed with
 */
export function importBackbone(
  stored: Safetensors,
  architecture: ArchitectureId,
  labels: LabelSet,
  random: Random,
): Imported {
  const specs = parameterSpecs(architecture, labels.names.length);
  const { prefix, tensors } = read(stored, architecture);
  const backbone = fromTorch(
    tensors.filter((t) => !isHead(t.name, architecture)),
    specs.filter((s) => !isHead(s.name, architecture)),
  );
  return {
    architecture,
    labels,
    parameters: initialParameters(architecture, labels, random).with(backbone),
    prefix,
  };
}

/**
 * A model with the file's backbone and head. `labels` names its classes, by default class_0,
 * class_1, … with none malignant.
 * @throws LENTIGO_WEIGHTS_INVALID as importBackbone, and when the number of labels isn't the head's
 *   number of classes
 */
export function importWithHead(
  stored: Safetensors,
  architecture: ArchitectureId,
  labels?: LabelSet,
): Imported {
  const { prefix, tensors, others } = read(stored, architecture);
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
    parameters: fromTorch([...tensors, ...others], parameterSpecs(architecture, classes)),
    prefix,
  };
}
