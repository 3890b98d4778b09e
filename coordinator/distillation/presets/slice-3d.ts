// ISIC 2024 (SLICE-3D): a teacher that reads crops and the scanner's measurements teaches a student
// that reads crops only. Benign or malignant, scored by the challenge's partial AUC.
import type { ArchitectureId } from '../../../common/model/architecture-id.js';
import { BINARY_LABELS } from '../../../common/model/labels.js';
import type { Phase, Recipe, TeacherPlan } from '../recipe.js';

const phases: readonly Phase[] = [
  { trainFrom: 'classifier', epochs: 2, learningRate: 1e-3, weightDecay: 0.01, patience: 2 },
  { trainFrom: 'all', epochs: 8, learningRate: 1e-4, weightDecay: 0.05, patience: 3 },
];
const teacher = (architecture: ArchitectureId): readonly TeacherPlan[] => [
  { architecture, attention: true, fused: 256, dropout: 0.3, phases },
];

export const slice3d: Recipe = {
  name: 'slice-3d',
  about:
    "ISIC 2024 (crops from total-body photographs): a teacher of image and measurements teaches EfficientNet-B0, benign or malignant, the challenge's partial AUC above 80% sensitivity",
  labels: BINARY_LABELS,
  student: {
    architecture: 'efficientnet_b0',
    phases: [{ trainFrom: 'all', epochs: 10, learningRate: 3e-4, weightDecay: 0.05, patience: 3 }],
  },
  teachers: {
    'convnext-atto': teacher('convnext_atto'),
    'efficientnetv2-b0': teacher('efficientnetv2_b0'),
    'convnext-tiny': teacher('convnext_tiny'),
  },
  // Without tbp_lv_dnn_lesion_confidence, which only training images have, and without findings of
  // pathology.
  metadata: {
    numbers: [
      'age_approx',
      'clin_size_long_diam_mm',
      'tbp_lv_A',
      'tbp_lv_Aext',
      'tbp_lv_B',
      'tbp_lv_Bext',
      'tbp_lv_C',
      'tbp_lv_Cext',
      'tbp_lv_H',
      'tbp_lv_Hext',
      'tbp_lv_L',
      'tbp_lv_Lext',
      'tbp_lv_areaMM2',
      'tbp_lv_area_perim_ratio',
      'tbp_lv_color_std_mean',
      'tbp_lv_deltaA',
      'tbp_lv_deltaB',
      'tbp_lv_deltaL',
      'tbp_lv_deltaLBnorm',
      'tbp_lv_eccentricity',
      'tbp_lv_minorAxisMM',
      'tbp_lv_nevi_confidence',
      'tbp_lv_norm_border',
      'tbp_lv_norm_color',
      'tbp_lv_perimeterMM',
      'tbp_lv_radial_color_std_max',
      'tbp_lv_stdL',
      'tbp_lv_stdLExt',
      'tbp_lv_symm_2axis',
      'tbp_lv_symm_2axis_angle',
      'tbp_lv_x',
      'tbp_lv_y',
      'tbp_lv_z',
    ],
    categories: ['sex', 'anatom_site_general', 'tbp_lv_location_simple'],
  },
  losses: { alpha: 0.5, temperature: 4, features: 0.5, attention: 1 },
  focalGamma: 2,
  balance: 'inverse-sqrt',
  batchSize: 16,
  variants: 4,
  select: 'malignantAuc',
};
