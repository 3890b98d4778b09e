// MobileNetV2 (Sandler et al. 2018) as torchvision builds it, with torchvision's names; timm's names
// are translated.
import { residual, sequence } from '../layers/branches.js';
import { convolution } from '../layers/convolution.js';
import type { Layer } from '../layers/layer.js';
import type { Block, Network } from '../network.js';
import { renamed } from './rename.js';

/** Expansion, channels, repeats, stride: table 2 of the paper. */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;
const STEM = 32;
const TOP = 1280;

/**
 * Blocks: features.0 (stem), features.1 … features.17 (inverted residuals), features.18 (the last
 * convolution).
 */
export function mobilenetV2(): Network {
  const timm = new Map([
    ['conv_stem', 'features.0.0'],
    ['bn1', 'features.0.1'],
    ['classifier', 'classifier.1'],
  ]);
  const blocks: Block[] = [
    {
      name: 'features.0',
      layers: [
        conv('features.0.0', 'features.0.1', { from: 3, to: STEM, kernel: 3, stride: 2 }, true),
      ],
    },
  ];
  let from = STEM;
  for (const [s, [expand, channels, repeats, first]] of STAGES.entries()) {
    for (let i = 0; i < repeats; i++) {
      const name = `features.${blocks.length}`;
      for (const [theirs, ours] of timmNames(expand !== 1))
        timm.set(`blocks.${s}.${i}.${theirs}`, `${name}.conv.${ours}`);
      blocks.push({
        name,
        layers: [invertedResidual(`${name}.conv`, from, channels, expand, i === 0 ? first : 1)],
      });
      from = channels;
    }
  }
  const last = `features.${blocks.length}`;
  timm.set('conv_head', `${last}.0`).set('bn2', `${last}.1`);
  blocks.push({
    name: last,
    layers: [conv(`${last}.0`, `${last}.1`, { from, to: TOP, kernel: 1 }, true)],
  });
  return {
    inputSize: 224,
    blocks,
    head: { dense: 'classifier.1', channels: TOP },
    translate: (tensor) => ({ ...tensor, name: renamed(tensor.name, timm) }),
  };
}

/** timm's names of a block's modules, and torchvision's. */
const timmNames = (expanded: boolean): readonly (readonly [string, string])[] =>
  expanded
    ? [
        ['conv_pw', '0.0'],
        ['bn1', '0.1'],
        ['conv_dw', '1.0'],
        ['bn2', '1.1'],
        ['conv_pwl', '2'],
        ['bn3', '3'],
      ]
    : [
        ['conv_dw', '0.0'],
        ['bn1', '0.1'],
        ['conv_pw', '1'],
        ['bn2', '2'],
      ];

const conv = (
  name: string,
  norm: string,
  geometry: { from: number; to: number; kernel: number; stride?: number; depthwise?: boolean },
  active: boolean,
): Layer =>
  convolution({
    name,
    norm: { name: norm, epsilon: 1e-5 },
    ...geometry,
    ...(active && { activation: 'relu6' }),
  });

function invertedResidual(
  name: string,
  from: number,
  to: number,
  expand: number,
  stride: number,
): Layer {
  const wide = from * expand;
  const layers: Layer[] = [];
  if (expand !== 1)
    layers.push(conv(`${name}.0.0`, `${name}.0.1`, { from, to: wide, kernel: 1 }, true));
  const depthwise = `${name}.${layers.length}`;
  layers.push(
    conv(
      `${depthwise}.0`,
      `${depthwise}.1`,
      { from: wide, to: wide, kernel: 3, stride, depthwise: true },
      true,
    ),
  );
  const at = layers.length;
  layers.push(conv(`${name}.${at}`, `${name}.${at + 1}`, { from: wide, to, kernel: 1 }, false));
  return stride === 1 && from === to ? residual(`${name}.add`, layers) : sequence(layers);
}
