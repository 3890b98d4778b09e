// An architecture's network by its name, and the names and shapes of its parameters.
import { LentigoError } from '../errors.js';
import { sizeOf, type ParameterSpec } from '../update/parameter-set.js';
import { type ArchitectureId, architectures } from './architecture-id.js';
import './architectures/index.js';
import type { Weight } from './layers/layer.js';
import { blockWeights, CLASSIFIER, denseWeights, type Network, poolWeights } from './network.js';

export { type ArchitectureId, registerArchitecture } from './architecture-id.js';

const built = new Map<ArchitectureId, Network>();

/**
 * The network of an architecture.
 * @throws LENTIGO_ARCHITECTURE_UNKNOWN
 */
export function networkOf(id: ArchitectureId): Network {
  const network = built.get(id) ?? architectures.get(id)();
  built.set(id, network);
  return network;
}

/**
 * All weights of an architecture with `classes` outputs, in the order of the library whose names
 * they bear.
 */
export function weightsOf(id: ArchitectureId, classes: number): Weight[] {
  const { blocks, head } = networkOf(id);
  return [...blocks.flatMap(blockWeights), ...poolWeights(head), ...denseWeights(head, classes)];
}

const specOf = ({ name, shape }: Weight): ParameterSpec => ({ name, shape });

/**
 * All parameters of an architecture with `classes` outputs, batch-norm running statistics included.
 */
export const parameterSpecs = (id: ArchitectureId, classes: number): ParameterSpec[] =>
  weightsOf(id, classes).map(specOf);

/** Running statistics are estimated, never trained. */
export const isStatistic = (name: string): boolean =>
  name.endsWith('.running_mean') || name.endsWith('.running_var');

/** The blocks usable as `trainFrom`, in order: the convolutional ones, then the classifier. */
export const blockNames = (id: ArchitectureId): string[] => [
  ...networkOf(id).blocks.map((b) => b.name),
  CLASSIFIER,
];

/** The same for people to look at: none of an architecture that isn't registered here. */
export const blocksOf = (id: string): string[] => (architectures.has(id) ? blockNames(id) : []);

/**
 * The place of a block among the architecture's.
 * @throws LENTIGO_STUDY_INVALID when it has no such block.
 */
export function blockIndex(id: ArchitectureId, name: string): number {
  const names = blockNames(id);
  const at = names.indexOf(name);
  if (at < 0)
    throw new LentigoError(
      'LENTIGO_STUDY_INVALID',
      `training.trainFrom: ${id} has no block "${name}": it is one of ${names.join(', ')}`,
    );
  return at;
}

/**
 * The parameters that block `trainFrom` and those after it read, running statistics included, in
 * the order of the full set.
 * @throws LENTIGO_STUDY_INVALID when the architecture has no such block.
 */
export function specsFrom(id: ArchitectureId, classes: number, trainFrom: string): ParameterSpec[] {
  const before = networkOf(id).blocks.slice(0, blockIndex(id, trainFrom));
  const frozen = new Set(before.flatMap((b) => blockWeights(b).map((w) => w.name)));
  return parameterSpecs(id, classes).filter(({ name }) => !frozen.has(name));
}

/**
 * The parameters that train from block `trainFrom` on, as `specsFrom`; running statistics never do.
 */
export const trainableSpecs = (
  id: ArchitectureId,
  classes: number,
  trainFrom: string,
): ParameterSpec[] => specsFrom(id, classes, trainFrom).filter(({ name }) => !isStatistic(name));

/** How many values these parameters have: the length of a delta. */
export const trainableCount = (id: ArchitectureId, classes: number, trainFrom: string): number =>
  trainableSpecs(id, classes, trainFrom).reduce((n, { shape }) => n + sizeOf(shape), 0);
