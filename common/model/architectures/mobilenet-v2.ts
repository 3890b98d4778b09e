// MobileNetV2 (Sandler et al. 2018) as torchvision builds it, with torchvision's names.
import { residual, sequence } from '../layers/branches.js';
import { convolution } from '../layers/convolution.js';
import type { Layer } from '../layers/layer.js';
import type { Block, Network } from '../network.js';

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
  const blocks: Block[] = [
    {
      name: 'features.0',
      layers: [
        conv('features.0.0', 'features.0.1', { from: 3, to: STEM, kernel: 3, stride: 2 }, true),
      ],
    },
  ];
  let from = STEM;
  for (const [expand, channels, repeats, first] of STAGES) {
    for (let i = 0; i < repeats; i++) {
      const name = `features.${blocks.length}`;
      blocks.push({
        name,
        layers: [invertedResidual(`${name}.conv`, from, channels, expand, i === 0 ? first : 1)],
      });
      from = channels;
    }
  }
  const last = `features.${blocks.length}`;
  blocks.push({
    name: last,
    layers: [conv(`${last}.0`, `${last}.1`, { from, to: TOP, kernel: 1 }, true)],
  });
  return { inputSize: 224, blocks, head: { dense: 'classifier.1', channels: TOP } };
}

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
