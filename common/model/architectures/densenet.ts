// DenseNet-169 (Huang et al. 2017) as torchvision builds it, with torchvision's names; the older
// names in its published file are translated.
import { batchNorm } from '../layers/batch-norm.js';
import { concatenated } from '../layers/branches.js';
import { convolution } from '../layers/convolution.js';
import type { Layer } from '../layers/layer.js';
import { averagePool, maxPool } from '../layers/pooling.js';
import type { Block, Network } from '../network.js';

/** Layers of each dense block: table 1 of the paper. */
const DEPTHS = [6, 12, 32, 32];
/** Channels added by each layer. */
const GROWTH = 32;
const STEM = 64;
const EPSILON = 1e-5;

/**
 * Blocks: features.conv0 (stem), features.denseblock1 … features.denseblock4, each followed by its
 * transition.
 */
export function densenet169(): Network {
  const stem = convolution({
    name: 'features.conv0',
    norm: { name: 'features.norm0', epsilon: EPSILON },
    activation: 'relu',
    from: 3,
    to: STEM,
    kernel: 7,
    stride: 2,
  });
  const blocks: Block[] = [{ name: 'features.conv0', layers: [stem, maxPool('features.pool0')] }];
  let channels = STEM;
  for (const [b, depth] of DEPTHS.entries()) {
    const name = `features.denseblock${b + 1}`;
    const layers: Layer[] = [];
    for (let i = 1; i <= depth; i++, channels += GROWTH)
      layers.push(denseLayer(`${name}.denselayer${i}`, channels));
    if (b < DEPTHS.length - 1) {
      layers.push(...transition(`features.transition${b + 1}`, channels));
      channels /= 2;
    } else layers.push(batchNorm({ name: 'features.norm5', channels, epsilon: EPSILON }, 'relu'));
    blocks.push({ name, layers });
  }
  return {
    inputSize: 224,
    blocks,
    head: { dense: 'classifier', channels },
    // The published file says denselayer1.norm.1 where torchvision says denselayer1.norm1.
    translate: (tensor) => ({
      ...tensor,
      name: tensor.name.replace(/(denselayer\d+\.(?:norm|conv))\.(\d)\./, '$1$2.'),
    }),
  };
}

/** x ‖ conv3×3(relu(norm(conv1×1(relu(norm(x)))))) */
const denseLayer = (name: string, channels: number): Layer =>
  concatenated(`${name}.concat`, [
    batchNorm({ name: `${name}.norm1`, channels, epsilon: EPSILON }, 'relu'),
    convolution({
      name: `${name}.conv1`,
      norm: { name: `${name}.norm2`, epsilon: EPSILON },
      activation: 'relu',
      from: channels,
      to: 4 * GROWTH,
      kernel: 1,
    }),
    convolution({ name: `${name}.conv2`, bias: false, from: 4 * GROWTH, to: GROWTH, kernel: 3 }),
  ]);

/** Half the channels, half the height and width. */
const transition = (name: string, channels: number): Layer[] => [
  batchNorm({ name: `${name}.norm`, channels, epsilon: EPSILON }, 'relu'),
  convolution({ name: `${name}.conv`, bias: false, from: channels, to: channels / 2, kernel: 1 }),
  averagePool(`${name}.pool`, channels / 2),
];
