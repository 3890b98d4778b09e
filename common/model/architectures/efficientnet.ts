// EfficientNet (Tan & Le 2019) as torchvision builds it, with torchvision's names; timm's names are
// translated.
import { convolution } from '../layers/convolution.js';
import { residual, sequence } from '../layers/branches.js';
import type { Layer } from '../layers/layer.js';
import { squeeze } from '../layers/squeeze.js';
import type { Block, Network } from '../network.js';
import { renamed } from './rename.js';

/** One stage of MBConv blocks: `repeats` blocks of `channels` outputs, the first with `stride`. */
interface Stage {
  readonly expand: number;
  readonly channels: number;
  readonly repeats: number;
  readonly stride: number;
  readonly kernel: number;
}

/** The dimensions in which EfficientNets differ. */
export interface Geometry {
  readonly inputSize: number;
  readonly stem: number;
  readonly stages: readonly Stage[];
  readonly head: number;
}

const B0: Geometry = {
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
};

const EPSILON = 1e-5;

export const efficientnetB0 = (): Network => efficientnet(B0);

/**
 * Blocks are torchvision's stages: features.0 (stem), the MBConv stages, the last convolution.
 * classifier.0 is dropout, which is off, because clinics fine-tune for a few epochs only.
 */
export function efficientnet({ inputSize, stem, stages, head }: Geometry): Network {
  const timm = new Map([['classifier', 'classifier.1']]);
  const blocks: Block[] = [
    {
      name: 'features.0',
      layers: [
        end('features.0', 'conv_stem', 'bn1', timm, { from: 3, to: stem, kernel: 3, stride: 2 }),
      ],
    },
  ];
  let from = stem;
  for (const [s, stage] of stages.entries()) {
    const layers: Layer[] = [];
    for (let i = 0; i < stage.repeats; i++) {
      layers.push(
        mbConv(
          { name: `features.${s + 1}.${i}.block`, timmName: `blocks.${s}.${i}`, timm },
          from,
          stage,
          i === 0 ? stage.stride : 1,
        ),
      );
      from = stage.channels;
    }
    blocks.push({ name: `features.${s + 1}`, layers });
  }
  const last = `features.${stages.length + 1}`;
  blocks.push({
    name: last,
    layers: [end(last, 'conv_head', 'bn2', timm, { from, to: head, kernel: 1, stride: 1 })],
  });
  return {
    inputSize,
    blocks,
    head: { dense: 'classifier.1', channels: head },
    translate: (tensor) => ({ ...tensor, name: renamed(tensor.name, timm) }),
  };
}

/** The first or the last convolution. */
function end(
  name: string,
  conv: string,
  norm: string,
  timm: Map<string, string>,
  geometry: { from: number; to: number; kernel: number; stride: number },
): Layer {
  timm.set(conv, `${name}.0`).set(norm, `${name}.1`);
  return convolution({
    name: `${name}.0`,
    norm: { name: `${name}.1`, epsilon: EPSILON },
    activation: 'swish',
    ...geometry,
  });
}

/**
 * Inverted bottleneck (Sandler et al. 2018) with squeeze-excitation: expand, depthwise, squeeze,
 * project. Squeeze channels are max(1, ⌊block input / 4⌋).
 */
function mbConv(
  { name, timmName, timm }: { name: string; timmName: string; timm: Map<string, string> },
  from: number,
  { expand, channels, kernel }: Stage,
  stride: number,
): Layer {
  const wide = from * expand;
  const layers: Layer[] = [];
  let norms = 0;
  const add = (
    timmConv: string,
    geometry: { from: number; to: number; kernel: number; stride?: number; depthwise?: boolean },
    activation?: 'swish',
  ) => {
    const at = `${name}.${layers.length}`;
    timm.set(`${timmName}.${timmConv}`, `${at}.0`).set(`${timmName}.bn${++norms}`, `${at}.1`);
    layers.push(
      convolution({
        name: `${at}.0`,
        norm: { name: `${at}.1`, epsilon: EPSILON },
        ...geometry,
        ...(activation && { activation }),
      }),
    );
  };
  // timm calls the last convolution conv_pw in a block without expansion (DepthwiseSeparableConv),
  // and conv_pwl in one with it (InvertedResidual).
  if (expand !== 1) add('conv_pw', { from, to: wide, kernel: 1 }, 'swish');
  add('conv_dw', { from: wide, to: wide, kernel, stride, depthwise: true }, 'swish');
  const at = `${name}.${layers.length}`;
  timm
    .set(`${timmName}.se.conv_reduce`, `${at}.fc1`)
    .set(`${timmName}.se.conv_expand`, `${at}.fc2`);
  layers.push(
    squeeze({
      reduce: `${at}.fc1`,
      expand: `${at}.fc2`,
      channels: wide,
      squeezed: Math.max(1, Math.floor(from / 4)),
    }),
  );
  add(expand === 1 ? 'conv_pw' : 'conv_pwl', { from: wide, to: channels, kernel: 1 });
  return stride === 1 && from === channels
    ? residual(`${name}.residual`, layers)
    : sequence(layers);
}
