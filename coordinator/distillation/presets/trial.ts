// A small version of pad-ufes: networks of about ten thousand parameters, to run a whole
// distillation in a minute on synthetic lesions.
import type { Phase, Recipe } from '../recipe.js';
import { padUfes } from './pad-ufes.js';

const phases: readonly Phase[] = [
  { trainFrom: 'all', epochs: 3, learningRate: 3e-3, weightDecay: 0.01, patience: 3 },
];

export const trial: Recipe = {
  ...padUfes,
  name: 'trial',
  about:
    'pad-ufes in small, to see it run: a tiny ConvNeXt with CBAM and a metadata encoder teaches a tiny EfficientNet',
  student: { architecture: 'nano', phases },
  teachers: {
    'nano-convnext': [
      { architecture: 'nano_convnext', attention: true, fused: 32, dropout: 0.1, phases },
    ],
  },
  variants: 2,
};
