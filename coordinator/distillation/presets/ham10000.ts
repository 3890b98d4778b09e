// HAM10000: two large networks together teach a small one for phones, by logits softened at a high
// temperature only.
import type { ArchitectureId } from '../../../common/model/architecture-id.js';
import { HAM10000_LABELS } from '../../../common/model/labels.js';
import type { Phase, Recipe, TeacherPlan } from '../recipe.js';

const phases: readonly Phase[] = [
  { trainFrom: 'all', epochs: 20, learningRate: 2e-4, weightDecay: 0.01, patience: 6 },
];
/** The published network with a new dense layer. */
const teacher = (architecture: ArchitectureId): TeacherPlan => ({
  architecture,
  attention: false,
  fused: 0,
  dropout: 0.2,
  phases,
});

export const ham10000: Recipe = {
  name: 'ham10000',
  about:
    'HAM10000 (dermoscopy, seven classes): an ensemble of ResNet-50 and DenseNet-169 teaches MobileNetV2, KL and cross-entropy, α 0.8, T 50',
  labels: HAM10000_LABELS,
  student: {
    architecture: 'mobilenet_v2',
    phases: [{ trainFrom: 'all', epochs: 30, learningRate: 5e-4, weightDecay: 0.01, patience: 8 }],
  },
  teachers: {
    'resnet50+densenet169': [teacher('resnet50'), teacher('densenet169')],
    'efficientnetv2-b0': [teacher('efficientnetv2_b0')],
  },
  losses: { alpha: 0.8, temperature: 50, features: 0, attention: 0 },
  focalGamma: 0,
  balance: 'none',
  batchSize: 16,
  variants: 8,
  select: 'balancedAccuracy',
};
