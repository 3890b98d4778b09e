// The student's geometry as data: EfficientNet (Tan & Le 2019) as torchvision builds it, and the names and shapes of its parameters.
import { LentigoError } from '../errors.js';
import type { ParameterSpec } from '../update/parameter-set.js';
import type { ArchitectureId } from './architecture-id.js';

export type { ArchitectureId } from './architecture-id.js';

/** One stage of MBConv blocks: `repeats` blocks of `channels` outputs, the first with `stride`. */
interface Stage {
  readonly expand: number;
  readonly channels: number;
  readonly repeats: number;
  readonly stride: number;
  readonly kernel: number;
}

interface Architecture {
  /** Height and width of the input, in pixels. */
  readonly inputSize: number;
  readonly stem: number;
  readonly stages: readonly Stage[];
  readonly head: number;
}

const ARCHITECTURES: Readonly<Record<ArchitectureId, Architecture>> = {
  efficientnet_b0: {
    inputSize: 224,
    stem: 32,
    stages: [
      { expand: 1, channels: 16, repeats: 1, stride: 1, kernel: 3 },
      { expand: 6, channels: 24, repeats: 2, stride: 2, kernel: 3 },
      { expand: 6, channels: 40, repeats: 2, stride: 2, kernel: 5 },
      { expand: 6, channels: 80, repeats: 3, stride: 2, kernel: 3 },
      { expand: 6, channels: 112, repeats: 3, stride: 1, kernel: 5 },
      { expand: 6, channels: 192, repeats: 4, stride: 2, kernel: 5 },
      { expand: 6, channels: 320, repeats: 1, stride: 1, kernel: 3 },
    ],
    head: 1280,
  },
  // The same building blocks in 20 thousand parameters, for tests.
  nano: {
    inputSize: 64,
    stem: 8,
    stages: [
      { expand: 1, channels: 8, repeats: 1, stride: 1, kernel: 3 },
      { expand: 4, channels: 16, repeats: 2, stride: 2, kernel: 3 },
      { expand: 4, channels: 24, repeats: 2, stride: 2, kernel: 5 },
    ],
    head: 96,
  },
};

/** Convolution, batch norm and (where `swish`) activation; `name` and `norm` are the modules' names in torchvision. */
export interface ConvUnit {
  readonly kind: 'conv' | 'depthwise';
  readonly name: string;
  readonly norm: string;
  readonly kernel: number;
  readonly stride: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly swish: boolean;
}

/** Squeeze and excitation over `channels`; `name` is the module's, its layers are fc1 and fc2. */
export interface SqueezeUnit {
  readonly kind: 'squeeze';
  readonly name: string;
  readonly channels: number;
  readonly squeezed: number;
}

/** Units applied one after the other; a residual layer adds its input to its output. */
export interface Layer {
  readonly units: readonly (ConvUnit | SqueezeUnit)[];
  readonly residual: boolean;
}

/** A torchvision stage, the grain of `trainFrom`: features.0 (stem), the MBConv stages, the last convolution. */
export interface Block {
  readonly name: string;
  readonly layers: readonly Layer[];
}

/** An architecture laid out: the convolutional blocks in order, then global pooling and the classifier. */
export interface Layout {
  readonly inputSize: number;
  readonly blocks: readonly Block[];
  /** Features that the classifier sees. */
  readonly head: number;
}

/** The name of the last block: global average pooling and the dense layer. */
export const CLASSIFIER = 'classifier';
/** The dense layer's name in torchvision (classifier.0 is dropout, which is off here: clinics fine-tune a few epochs only). */
export const DENSE = 'classifier.1';

/** The layout of an architecture. Squeeze channels are max(1, ⌊block input / 4⌋), as torchvision has them. */
export function layoutOf(id: ArchitectureId): Layout {
  const { inputSize, stem, stages, head } = ARCHITECTURES[id];
  const blocks: Block[] = [{ name: 'features.0', layers: [convLayer('features.0', 3, stem, 3, 2)] }];
  let inChannels = stem;
  for (const [s, stage] of stages.entries()) {
    const layers: Layer[] = [];
    for (let i = 0; i < stage.repeats; i++) {
      layers.push(mbConv(`features.${s + 1}.${i}.block`, inChannels, stage, i === 0 ? stage.stride : 1));
      inChannels = stage.channels;
    }
    blocks.push({ name: `features.${s + 1}`, layers });
  }
  const last = `features.${stages.length + 1}`;
  blocks.push({ name: last, layers: [convLayer(last, inChannels, head, 1, 1)] });
  return { inputSize, blocks, head };
}

function convLayer(name: string, inChannels: number, outChannels: number, kernel: number, stride: number): Layer {
  return { units: [{ kind: 'conv', name: `${name}.0`, norm: `${name}.1`, kernel, stride, inChannels, outChannels, swish: true }], residual: false };
}

/** Inverted bottleneck (Sandler et al. 2018) with squeeze-excitation: expand, depthwise, squeeze, project. */
function mbConv(name: string, inChannels: number, { expand, channels, kernel }: Stage, stride: number): Layer {
  const wide = inChannels * expand;
  const units: (ConvUnit | SqueezeUnit)[] = [];
  const conv = (kind: ConvUnit['kind'], k: number, s: number, from: number, to: number, swish: boolean) => {
    const at = `${name}.${units.length}`;
    units.push({ kind, name: `${at}.0`, norm: `${at}.1`, kernel: k, stride: s, inChannels: from, outChannels: to, swish });
  };
  if (expand !== 1) conv('conv', 1, 1, inChannels, wide, true);
  conv('depthwise', kernel, stride, wide, wide, true);
  units.push({ kind: 'squeeze', name: `${name}.${units.length}`, channels: wide, squeezed: Math.max(1, Math.floor(inChannels / 4)) });
  conv('conv', 1, 1, wide, channels, false);
  return { units, residual: stride === 1 && inChannels === channels };
}

/** Names (torchvision's) and shapes (tfjs layout) of one block's parameters, in torchvision's order. */
export function blockSpecs(block: Block): ParameterSpec[] {
  return block.layers.flatMap((layer) => layer.units.flatMap((unit) => (unit.kind === 'squeeze' ? squeezeSpecs(unit) : convSpecs(unit))));
}

function convSpecs({ kind, name, norm, kernel, inChannels, outChannels }: ConvUnit): ParameterSpec[] {
  const shape = kind === 'depthwise' ? [kernel, kernel, outChannels, 1] : [kernel, kernel, inChannels, outChannels];
  return [
    { name: `${name}.weight`, shape },
    ...['weight', 'bias', 'running_mean', 'running_var'].map((part) => ({ name: `${norm}.${part}`, shape: [outChannels] })),
  ];
}

function squeezeSpecs({ name, channels, squeezed }: SqueezeUnit): ParameterSpec[] {
  return [
    { name: `${name}.fc1.weight`, shape: [1, 1, channels, squeezed] },
    { name: `${name}.fc1.bias`, shape: [squeezed] },
    { name: `${name}.fc2.weight`, shape: [1, 1, squeezed, channels] },
    { name: `${name}.fc2.bias`, shape: [channels] },
  ];
}

/** All parameters of an architecture with `classes` outputs, batch-norm running statistics included, in torchvision's order. */
export function parameterSpecs(id: ArchitectureId, classes: number): ParameterSpec[] {
  const layout = layoutOf(id);
  return [
    ...layout.blocks.flatMap(blockSpecs),
    { name: `${DENSE}.weight`, shape: [layout.head, classes] },
    { name: `${DENSE}.bias`, shape: [classes] },
  ];
}

/** Running statistics are estimated, never trained. */
export const isStatistic = (name: string): boolean => name.endsWith('.running_mean') || name.endsWith('.running_var');

/** The blocks usable as `trainFrom`, in order: the convolutional ones, then the classifier. */
export const blockNames = (id: ArchitectureId): string[] => [...layoutOf(id).blocks.map((b) => b.name), CLASSIFIER];

/**
 * The parameters that train from block `trainFrom` on, in the order of the full set; running statistics never do.
 * @throws LENTIGO_STUDY_INVALID when the architecture has no such block.
 */
export function trainableSpecs(id: ArchitectureId, classes: number, trainFrom: string): ParameterSpec[] {
  const names = blockNames(id);
  const at = names.indexOf(trainFrom);
  if (at < 0) throw new LentigoError('LENTIGO_STUDY_INVALID', `training.trainFrom: ${id} has no block "${trainFrom}": it is one of ${names.join(', ')}`);
  const frozen = new Set(layoutOf(id).blocks.slice(0, at).flatMap((b) => blockSpecs(b).map((s) => s.name)));
  return parameterSpecs(id, classes).filter(({ name }) => !isStatistic(name) && !frozen.has(name));
}

/** Whether a parameter of this shape (tfjs layout) is a depthwise filter: only those are larger than 1×1 with a last axis of 1. */
export const isDepthwise = (shape: readonly number[]): boolean => shape.length === 4 && shape[0]! > 1 && shape[3] === 1;
