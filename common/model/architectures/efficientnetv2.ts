// EfficientNetV2-B0 (Tan & Le 2021) as Keras builds it, with the names of Keras' layers:
// TensorFlow's padding, batch-norm ε 1e-3. Keras' and timm's files are
// translated.
import { residual, sequence } from '../layers/branches.js';
import { convolution } from '../layers/convolution.js';
import type { Layer } from '../layers/layer.js';
import { squeeze } from '../layers/squeeze.js';
import type { Block, Network } from '../network.js';
import type { StoredTensor } from '../safetensors.js';
import { toTorch } from '../torch-layout.js';
import { renamed } from './rename.js';

/**
 * One stage. With `fused`, the expansion and the depthwise convolution are one ordinary
 * convolution, without squeeze-excitation.
 */
interface Stage {
  readonly fused: boolean;
  readonly expand: number;
  readonly channels: number;
  readonly repeats: number;
  readonly stride: number;
}

const STAGES: readonly Stage[] = [
  { fused: true, expand: 1, channels: 16, repeats: 1, stride: 1 },
  { fused: true, expand: 4, channels: 32, repeats: 2, stride: 2 },
  { fused: true, expand: 4, channels: 48, repeats: 2, stride: 2 },
  { fused: false, expand: 4, channels: 96, repeats: 3, stride: 2 },
  { fused: false, expand: 6, channels: 112, repeats: 5, stride: 1 },
  { fused: false, expand: 6, channels: 192, repeats: 8, stride: 2 },
];
const STEM = 32;
const TOP = 1280;
const KERNEL = 3;

/** Blocks: stem, block1 … block6, top. */
export function efficientnetV2B0(): Network {
  const timm = new Map([
    ['conv_stem', 'stem_conv'],
    ['bn1', 'stem_bn'],
    ['conv_head', 'top_conv'],
    ['bn2', 'top_bn'],
    ['classifier', 'predictions'],
  ]);
  const blocks: Block[] = [
    {
      name: 'stem',
      layers: [
        conv('stem_conv', 'stem_bn', { from: 3, to: STEM, kernel: KERNEL, stride: 2 }, true),
      ],
    },
  ];
  let from = STEM;
  for (const [s, stage] of STAGES.entries()) {
    const layers: Layer[] = [];
    for (let i = 0; i < stage.repeats; i++) {
      const stride = i === 0 ? stage.stride : 1;
      const name = `block${s + 1}${'abcdefgh'[i]}`;
      for (const [theirs, ours] of timmNames(stage))
        timm.set(`blocks.${s}.${i}.${theirs}`, `${name}_${ours}`);
      layers.push((stage.fused ? fusedMbConv : mbConv)(name, from, stage, stride));
      from = stage.channels;
    }
    blocks.push({ name: `block${s + 1}`, layers });
  }
  blocks.push({
    name: 'top',
    layers: [conv('top_conv', 'top_bn', { from, to: TOP, kernel: 1 }, true)],
  });
  return {
    inputSize: 224,
    blocks,
    head: { dense: 'predictions', channels: TOP },
    translate: (tensor) => fromKeras({ ...tensor, name: renamed(tensor.name, timm) }),
  };
}

/** timm's names of a block's modules, and Keras'. */
function timmNames({ fused, expand }: Stage): readonly (readonly [string, string])[] {
  if (fused)
    return expand === 1
      ? [
          ['conv', 'project_conv'],
          ['bn1', 'project_bn'],
        ]
      : [
          ['conv_exp', 'expand_conv'],
          ['bn1', 'expand_bn'],
          ['conv_pwl', 'project_conv'],
          ['bn2', 'project_bn'],
        ];
  return [
    ['conv_pw', 'expand_conv'],
    ['bn1', 'expand_bn'],
    ['conv_dw', 'dwconv2'],
    ['bn2', 'bn'],
    ['se.conv_reduce', 'se_reduce'],
    ['se.conv_expand', 'se_expand'],
    ['conv_pwl', 'project_conv'],
    ['bn3', 'project_bn'],
  ];
}

const conv = (
  name: string,
  norm: string,
  geometry: { from: number; to: number; kernel: number; stride?: number; depthwise?: boolean },
  active: boolean,
): Layer =>
  convolution({
    name,
    norm: { name: norm, epsilon: 1e-3 },
    padding: 'same',
    ...geometry,
    ...(active && { activation: 'swish' }),
  });

const joined = (
  name: string,
  layers: readonly Layer[],
  from: number,
  to: number,
  stride: number,
): Layer => (stride === 1 && from === to ? residual(`${name}_add`, layers) : sequence(layers));

function fusedMbConv(
  name: string,
  from: number,
  { expand, channels }: Stage,
  stride: number,
): Layer {
  if (expand === 1)
    return joined(
      name,
      [
        conv(
          `${name}_project_conv`,
          `${name}_project_bn`,
          { from, to: channels, kernel: KERNEL, stride },
          true,
        ),
      ],
      from,
      channels,
      stride,
    );
  const wide = from * expand;
  const layers = [
    conv(
      `${name}_expand_conv`,
      `${name}_expand_bn`,
      { from, to: wide, kernel: KERNEL, stride },
      true,
    ),
    conv(
      `${name}_project_conv`,
      `${name}_project_bn`,
      { from: wide, to: channels, kernel: 1 },
      false,
    ),
  ];
  return joined(name, layers, from, channels, stride);
}

function mbConv(name: string, from: number, { expand, channels }: Stage, stride: number): Layer {
  const wide = from * expand;
  const layers = [
    conv(`${name}_expand_conv`, `${name}_expand_bn`, { from, to: wide, kernel: 1 }, true),
    conv(
      `${name}_dwconv2`,
      `${name}_bn`,
      { from: wide, to: wide, kernel: KERNEL, stride, depthwise: true },
      true,
    ),
    squeeze({
      reduce: `${name}_se_reduce`,
      expand: `${name}_se_expand`,
      channels: wide,
      squeezed: Math.floor(from / 4),
    }),
    conv(
      `${name}_project_conv`,
      `${name}_project_bn`,
      { from: wide, to: channels, kernel: 1 },
      false,
    ),
  ];
  return joined(name, layers, from, channels, stride);
}

const PARTS: Readonly<Record<string, string>> = {
  kernel: 'weight',
  depthwise_kernel: 'weight',
  gamma: 'weight',
  beta: 'bias',
  bias: 'bias',
  moving_mean: 'running_mean',
  moving_variance: 'running_var',
};

/**
 * Translates layer/kernel in HWIO to layer.weight in OIHW, and so on; also with the model's name in
 * front, and TensorFlow's ":0" behind.
 */
function fromKeras(tensor: StoredTensor): StoredTensor {
  const [layer, part] = tensor.name.replace(/:0$/, '').split('/').slice(-2);
  const ours = part === undefined ? undefined : PARTS[part];
  return ours === undefined ? tensor : toTorch({ ...tensor, name: `${layer}.${ours}` });
}
