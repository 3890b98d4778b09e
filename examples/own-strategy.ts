// A strategy of one's own: FedAvg with momentum at the server (Hsu et al. 2019), registered by a
// name and compared with FedAvg on clinics whose diagnoses differ. To make it known to a coordinator
// or `lentigo simulate`, put the registration into a module of its own and load that with
// `--extension` (docs/package.md).
import { createModel, LABEL_SETS, moved, registerStrategy, simulate, weightedMean } from 'lentigo';
import { z } from 'zod';

registerStrategy({
  name: 'fedavgm',
  reference: 'Hsu et al. 2019, Measuring the Effects of Non-Identical Data Distribution',
  settings: z.strictObject({ momentum: z.number().min(0).max(0.99).default(0.9) }),
  create: ({ momentum }) => ({
    init: (start) => ({ velocity: new Float32Array(start.length) }),
    // How the clinics' deltas become one.
    rule: weightedMean,
    // v ← βv + Δ, w ← w + v
    step({ parameters, aggregate, state }) {
      const velocity = state['velocity']!.map((v, i) => momentum * v + aggregate[i]!);
      return { parameters: moved(parameters, velocity), state: { velocity } };
    },
  }),
});

for (const strategy of ['fedavg', { name: 'fedavgm', momentum: 0.5 }]) {
  const { report } = await simulate({
    strategy,
    model: createModel({ architecture: 'nano', labels: LABEL_SETS['pad-ufes'] }),
    data: 'synthetic:site=1,2&images=80&size=64',
    clinics: 3,
    partition: { alpha: 0.5 },
    rounds: 3,
    training: { trainFrom: 'features.0', epochs: 1, learningRate: 3e-3, variants: 1 },
  });
  const scores = report.rounds.map(({ validation }) => validation.malignantAuc?.toFixed(3));
  console.log(`${JSON.stringify(strategy)}: malignant AUC by round ${scores.join(' ')}`);
}
