// Two networks of about ten thousand parameters, with the same kinds of blocks as the large ones:
// for `lentigo distill --preset trial`, whose models every command and page must be able to read.
// The tests also train them, in browsers too, which is why they are built in.
import type { Network } from '../network.js';
import { convnext } from './convnext.js';
import { efficientnet } from './efficientnet.js';

/** An EfficientNet of 20 thousand parameters. */
export const nano = (): Network =>
  efficientnet({
    inputSize: 64,
    stem: 8,
    stages: [
      { expand: 1, channels: 8, repeats: 1, stride: 1, kernel: 3 },
      { expand: 4, channels: 16, repeats: 2, stride: 2, kernel: 3 },
      { expand: 4, channels: 24, repeats: 2, stride: 2, kernel: 5 },
    ],
    head: 96,
  });

/** A ConvNeXt of 30 thousand parameters. */
export const nanoConvnext = (): Network =>
  convnext({ inputSize: 64, depths: [1, 1, 1, 1], widths: [8, 16, 24, 32], convolutional: false });
