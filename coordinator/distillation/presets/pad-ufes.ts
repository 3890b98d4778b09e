// PAD-UFES-20: a multimodal teacher, with photograph and clinical metadata, teaches EfficientNet-B0
// to do without the metadata.
import type { ArchitectureId } from '../../../common/model/architecture-id.js';
import { PAD_UFES_LABELS } from '../../../common/model/labels.js';
import type { Phase, Recipe, TeacherPlan } from '../recipe.js';

/**
 * First the new layers alone; then the later blocks too, with a lower learning rate. A thousand
 * photographs don't improve the early blocks, which cost most of the time.
 */
const phases = (trainFrom: string): readonly Phase[] => [
  { trainFrom: 'classifier', epochs: 5, learningRate: 1e-3, weightDecay: 0.01, patience: 5 },
  { trainFrom, epochs: 15, learningRate: 1e-4, weightDecay: 0.05, patience: 6 },
];
const teacher = (architecture: ArchitectureId, trainFrom: string): readonly TeacherPlan[] => [
  { architecture, attention: true, fused: 256, dropout: 0.3, phases: phases(trainFrom) },
];

export const padUfes: Recipe = {
  name: 'pad-ufes',
  about:
    'PAD-UFES-20: ConvNeXt with CBAM and a metadata encoder teaches EfficientNet-B0 logits, features and attention ("Skin Cancer Detection on Smartphone Images through Knowledge Distillation of Multimodal Deep Learning Models", 2026)',
  labels: PAD_UFES_LABELS,
  student: {
    architecture: 'efficientnet_b0',
    phases: [
      { trainFrom: 'features.5', epochs: 20, learningRate: 3e-4, weightDecay: 0.05, patience: 8 },
    ],
  },
  teachers: {
    'convnext-tiny': teacher('convnext_tiny', 'stages.2'),
    'convnext-atto': teacher('convnext_atto', 'stages.2'),
    'efficientnetv2-b0': teacher('efficientnetv2_b0', 'block5'),
  },
  // Not `biopsed`, which is decided after the suspicion.
  metadata: {
    numbers: ['age', 'fitspatrick', 'diameter_1', 'diameter_2'],
    categories: [
      'smoke',
      'drink',
      'background_father',
      'background_mother',
      'pesticide',
      'gender',
      'skin_cancer_history',
      'cancer_history',
      'has_piped_water',
      'has_sewage_system',
      'region',
      'itch',
      'grew',
      'hurt',
      'changed',
      'bleed',
      'elevation',
    ],
  },
  losses: { alpha: 0.5, temperature: 4, features: 0.5, attention: 1 },
  focalGamma: 2,
  balance: 'logit-adjustment',
  batchSize: 16,
  variants: 8,
  select: 'balancedAccuracy',
};
