// ResNet-50 (He et al. 2016) as torchvision builds it (the stride is in the 3×3 convolution), with
// torchvision's names.
import { residual } from '../layers/branches.js';
import { convolution } from '../layers/convolution.js';
import type { Layer } from '../layers/layer.js';
import { maxPool } from '../layers/pooling.js';
import type { Block, Network } from '../network.js';

/** Bottlenecks of each stage, and their inner channels: table 1 of the paper. */
const STAGES = [
  [3, 64],
  [4, 128],
  [6, 256],
  [3, 512],
] as const;
const STEM = 64;
/** Ratio of a bottleneck's output channels to its inner channels. */
const WIDENING = 4;

/** Blocks: stem, layer1 … layer4. */
export function resnet50(): Network {
  const blocks: Block[] = [
    {
      name: 'stem',
      layers: [
        conv('conv1', 'bn1', { from: 3, to: STEM, kernel: 7, stride: 2 }, true),
        maxPool('maxpool'),
      ],
    },
  ];
  let from = STEM;
  for (const [s, [repeats, inner]] of STAGES.entries()) {
    const layers: Layer[] = [];
    for (let i = 0; i < repeats; i++) {
      layers.push(bottleneck(`layer${s + 1}.${i}`, from, inner, s > 0 && i === 0 ? 2 : 1));
      from = inner * WIDENING;
    }
    blocks.push({ name: `layer${s + 1}`, layers });
  }
  return { inputSize: 224, blocks, head: { dense: 'fc', channels: from } };
}

const conv = (
  name: string,
  norm: string,
  geometry: { from: number; to: number; kernel: number; stride?: number },
  active: boolean,
): Layer =>
  convolution({
    name,
    norm: { name: norm, epsilon: 1e-5 },
    ...geometry,
    ...(active && { activation: 'relu' }),
  });

function bottleneck(name: string, from: number, inner: number, stride: number): Layer {
  const to = inner * WIDENING;
  const layers = [
    conv(`${name}.conv1`, `${name}.bn1`, { from, to: inner, kernel: 1 }, true),
    conv(`${name}.conv2`, `${name}.bn2`, { from: inner, to: inner, kernel: 3, stride }, true),
    conv(`${name}.conv3`, `${name}.bn3`, { from: inner, to, kernel: 1 }, false),
  ];
  const shortcut =
    from === to && stride === 1
      ? []
      : [
          conv(
            `${name}.downsample.0`,
            `${name}.downsample.1`,
            { from, to, kernel: 1, stride },
            false,
          ),
        ];
  return residual(`${name}.add`, layers, { shortcut, activation: 'relu' });
}
