// MIDAS: ConvNeXt-Tiny with an MLP head is trained in two stages, clinical photographs of ISIC
// first, smartphone photographs second, and then teaches the student. Benign or malignant.
import type { ArchitectureId } from '../../../common/model/architecture-id.js';
import { BINARY_LABELS } from '../../../common/model/labels.js';
import type { Phase, Recipe, TeacherPlan } from '../recipe.js';

/** First the head alone; then the whole network, with a low learning rate. */
const phases: readonly Phase[] = [
  {
    trainFrom: 'classifier',
    epochs: 2,
    learningRate: 1e-4,
    weightDecay: 0,
    patience: 2,
    plateau: { factor: 0.5, patience: 2 },
  },
  {
    trainFrom: 'all',
    epochs: 30,
    learningRate: 1e-5,
    weightDecay: 1e-5,
    patience: 8,
    plateau: { factor: 0.5, patience: 2 },
  },
];
const teacher = (architecture: ArchitectureId): readonly TeacherPlan[] => [
  { architecture, attention: false, fused: 256, dropout: 0.5, phases },
];

/**
 * Each stage is one run: the second starts from the first one's result.
 * @example lentigo distill --preset midas --data ISIC_DIR --out out/isic --teacher-init
 *   convnext_tiny.safetensors --init efficientnet_b0.safetensors
 * @example lentigo distill --preset midas --data MIDAS_DIR --out out/midas --teacher-init
 *   out/isic/teacher-1 --init out/isic/student/model
 */
export const midas: Recipe = {
  name: 'midas',
  about:
    'MIDAS: ConvNeXt-Tiny with an MLP head, benign or malignant, teaches EfficientNet-B0; in two stages: on ISIC photographs, then on MIDAS with --teacher-init ISIC_OUT/teacher-1 --init ISIC_OUT/student/model',
  labels: BINARY_LABELS,
  student: {
    architecture: 'efficientnet_b0',
    phases: [{ trainFrom: 'all', epochs: 25, learningRate: 3e-4, weightDecay: 0.05, patience: 8 }],
  },
  teachers: {
    'convnext-tiny': teacher('convnext_tiny'),
    'convnext-atto': teacher('convnext_atto'),
  },
  losses: { alpha: 0.5, temperature: 4, features: 0.5, attention: 1 },
  focalGamma: 2,
  balance: 'inverse-sqrt',
  batchSize: 16,
  variants: 8,
  select: ['malignantAuc', 'malignantRecall'],
};
