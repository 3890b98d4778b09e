// A model's label set: the names, their order, and which are malignant.
import { z } from 'zod';

export const LabelSet = z
  .object({
    names: z
      .array(z.string().regex(/^[\w .-]{1,64}$/))
      .min(2)
      .max(256),
    malignant: z.array(z.string()),
  })
  .strict()
  .refine((l) => new Set(l.names).size === l.names.length, { message: 'label names must differ' })
  .refine((l) => l.malignant.every((m) => l.names.includes(m)), {
    message: 'every malignant label must be one of the names',
  });

/** Label names in the order of the model's outputs; `malignant` is a subset of them. */
export type LabelSet = z.infer<typeof LabelSet>;

/**
 * The six diagnoses of PAD-UFES-20: actinic keratosis, basal cell carcinoma, melanoma, nevus,
 * squamous cell carcinoma, seborrhoeic keratosis.
 */
export const PAD_UFES_LABELS: LabelSet = {
  names: ['ACK', 'BCC', 'MEL', 'NEV', 'SCC', 'SEK'],
  malignant: ['BCC', 'MEL', 'SCC'],
};

/**
 * The seven classes of HAM10000: actinic keratosis and carcinoma in situ, basal cell carcinoma,
 * benign keratosis, dermatofibroma, melanoma, nevus, vascular lesion.
 */
export const HAM10000_LABELS: LabelSet = {
  names: ['akiec', 'bcc', 'bkl', 'df', 'mel', 'nv', 'vasc'],
  malignant: ['akiec', 'bcc', 'mel'],
};

export const BINARY_LABELS: LabelSet = { names: ['benign', 'malignant'], malignant: ['malignant'] };

/** Label sets by the names that commands accept. */
export const LABEL_SETS = {
  'pad-ufes': PAD_UFES_LABELS,
  ham10000: HAM10000_LABELS,
  binary: BINARY_LABELS,
} as const satisfies Readonly<Record<string, LabelSet>>;
