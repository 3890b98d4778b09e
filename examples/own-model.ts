// An architecture of one's own: laid out as data, registered by a name, trained by simulated
// clinics. To make it known to a coordinator or `lentigo simulate`, put the registration into a
// module of its own and load that with `--extension` (docs/package.md).
import {
  convolution,
  createModel,
  evaluate,
  LABEL_SETS,
  type Network,
  registerArchitecture,
  simulate,
} from 'lentigo';

/** Three convolutions, each with batch norm and half the resolution of the one before. */
function threeConvolutions(): Network {
  const widths = [3, 8, 16, 32];
  return {
    inputSize: 64,
    // The names are what `trainFrom` may say; parameters are named as in PyTorch.
    blocks: [0, 1, 2].map((i) => ({
      name: `features.${i}`,
      layers: [
        convolution({
          name: `features.${i}.conv`,
          from: widths[i]!,
          to: widths[i + 1]!,
          kernel: 3,
          stride: 2,
          norm: { name: `features.${i}.norm`, epsilon: 1e-5 },
          activation: 'relu',
        }),
      ],
    })),
    head: { dense: 'classifier', channels: widths.at(-1)! },
  };
}

registerArchitecture('three_convolutions', threeConvolutions);

const model = createModel({ architecture: 'three_convolutions', labels: LABEL_SETS['pad-ufes'] });
console.log(`${model.architecture}: ${model.parameters.length} parameters`);

const { report, best } = await simulate({
  model,
  data: 'synthetic:site=1,2&images=80&size=64',
  clinics: 2,
  rounds: 2,
  training: { trainFrom: 'features.0', epochs: 6, learningRate: 1e-2, variants: 1 },
  onRound: ({ round, validation }) =>
    console.log(`round ${round}: balanced accuracy ${validation.balancedAccuracy?.toFixed(3)}`),
});
console.log(`validation chose round ${report.best}`);

// On lesions that none of them saw.
const { metrics } = await evaluate({
  model: best,
  data: 'synthetic:site=3&images=40&size=64&split=heldout',
});
console.log(`at another site: balanced accuracy ${metrics.balancedAccuracy?.toFixed(3)}`);
