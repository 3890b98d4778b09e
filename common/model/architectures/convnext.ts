// ConvNeXt (Liu et al. 2022) as timm builds it, with timm's names: atto to nano are timm's own
// sizes, tiny is the paper's. torchvision's names are translated.
import { residual } from '../layers/branches.js';
import { convolution } from '../layers/convolution.js';
import { layerNorm, layerScale } from '../layers/layer-norm.js';
import type { Layer } from '../layers/layer.js';
import type { Block, Network } from '../network.js';
import type { StoredTensor } from '../safetensors.js';

interface Geometry {
  readonly inputSize: number;
  readonly depths: readonly number[];
  readonly widths: readonly number[];
  /**
   * Whether timm stores the blocks' two dense layers as 1×1 convolutions (conv_mlp): the same
   * numbers in another shape.
   */
  readonly convolutional: boolean;
}

const EPSILON = 1e-6;
const INITIAL = { normal: 0.02 };
const LAYER_SCALE = 1e-6;

const small = (depths: readonly number[], widths: readonly number[]) => (): Network =>
  convnext({ inputSize: 224, depths, widths, convolutional: true });
export const convnextAtto = small([2, 2, 6, 2], [40, 80, 160, 320]);
export const convnextFemto = small([2, 2, 6, 2], [48, 96, 192, 384]);
export const convnextPico = small([2, 2, 6, 2], [64, 128, 256, 512]);
export const convnextNano = small([2, 2, 8, 2], [80, 160, 320, 640]);
export const convnextTiny = (): Network =>
  convnext({
    inputSize: 224,
    depths: [3, 3, 9, 3],
    widths: [96, 192, 384, 768],
    convolutional: false,
  });
/** Blocks: stem, stages.0 … stages.3. */
export function convnext({ inputSize, depths, widths, convolutional }: Geometry): Network {
  const blocks: Block[] = [
    {
      name: 'stem',
      layers: patches('stem.0', 3, widths[0]!, 4).concat(norm('stem.1', widths[0]!)),
    },
  ];
  for (const [s, depth] of depths.entries()) {
    const width = widths[s]!;
    const before = widths[s - 1];
    const downsample =
      before === undefined
        ? []
        : [
            norm(`stages.${s}.downsample.0`, before),
            ...patches(`stages.${s}.downsample.1`, before, width, 2),
          ];
    const layers = Array.from({ length: depth }, (_, i) =>
      block(`stages.${s}.blocks.${i}`, width, convolutional),
    );
    blocks.push({ name: `stages.${s}`, layers: [...downsample, ...layers] });
  }
  const channels = widths.at(-1)!;
  return {
    inputSize,
    blocks,
    head: {
      dense: 'head.fc',
      channels,
      norm: { name: 'head.norm', channels, epsilon: EPSILON },
      initial: INITIAL,
    },
    translate: fromTorchvision,
  };
}

const MODULES: Readonly<Record<string, string>> = {
  'block.0': 'conv_dw',
  'block.2': 'norm',
  'block.3': 'mlp.fc1',
  'block.5': 'mlp.fc2',
};

/**
 * torchvision counts stages and the downsampling between them alike: features.1 is the first stage,
 * features.2 what comes before the second. Its layer scale has two axes more.
 */
function fromTorchvision(tensor: StoredTensor): StoredTensor {
  const name = tensor.name
    .replace(/^features\.0\./, 'stem.')
    .replace(/^features\.([246])\./, (_, at: string) => `stages.${Number(at) / 2}.downsample.`)
    .replace(/^features\.([1357])\.(\d+)\.(block\.\d|layer_scale)/, (whole, at, i, module) => {
      const ours = module === 'layer_scale' ? 'gamma' : MODULES[String(module)];
      return ours === undefined ? whole : `stages.${(Number(at) - 1) / 2}.blocks.${i}.${ours}`;
    })
    .replace(/^classifier\.0\./, 'head.norm.')
    .replace(/^classifier\.2\./, 'head.fc.');
  return name.endsWith('.gamma') && tensor.shape.length === 3
    ? { ...tensor, name, shape: tensor.shape.slice(0, 1) }
    : { ...tensor, name };
}

const norm = (name: string, channels: number): Layer =>
  layerNorm({ name, channels, epsilon: EPSILON });

/** Convolves adjacent, non-overlapping squares of the picture, one per output position. */
const patches = (name: string, from: number, to: number, side: number): Layer[] => [
  convolution({ name, from, to, kernel: side, stride: side, padding: 'valid', initial: INITIAL }),
];

/** x + γ · mlp(norm(depthwise 7×7(x))) */
function block(name: string, width: number, convolutional: boolean): Layer {
  const dense = { kernel: 1, linear: !convolutional, initial: INITIAL };
  const inner = [
    convolution({
      name: `${name}.conv_dw`,
      from: width,
      to: width,
      kernel: 7,
      depthwise: true,
      initial: INITIAL,
    }),
    norm(`${name}.norm`, width),
    convolution({
      name: `${name}.mlp.fc1`,
      from: width,
      to: 4 * width,
      activation: 'gelu',
      ...dense,
    }),
    convolution({ name: `${name}.mlp.fc2`, from: 4 * width, to: width, ...dense }),
    layerScale(`${name}.gamma`, width, LAYER_SCALE),
  ];
  return residual(`${name}.add`, inner);
}
