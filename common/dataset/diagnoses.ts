// Maps each archive's diagnoses to the label sets of this project: the table to check when a number
// looks odd.
import type { LabelSet } from '../model/labels.js';

/**
 * One diagnosis in the label sets of PAD-UFES-20, of HAM10000, and of benign against malignant;
 * null if that set has no such label.
 */
export type Words = readonly [
  padUfes: string | null,
  ham10000: string | null,
  binary: 'benign' | 'malignant' | null,
];

/** Shown wherever archives are inspected or compared. */
export const MALIGNANCY =
  "What counts as malignant is what an archive counts so. Actinic keratosis is benign in PAD-UFES-20 (ACK); in HAM10000 (akiec, which holds carcinoma in situ) and in MIDAS it is malignant. Read in PAD-UFES-20's words, theirs is ACK, and benign.";

/** See MALIGNANCY. */
export const DIAGNOSES = {
  'PAD-UFES-20': {
    ACK: ['ACK', 'akiec', 'benign'],
    BCC: ['BCC', 'bcc', 'malignant'],
    MEL: ['MEL', 'mel', 'malignant'],
    NEV: ['NEV', 'nv', 'benign'],
    SCC: ['SCC', null, 'malignant'],
    SEK: ['SEK', 'bkl', 'benign'],
  },
  HAM10000: {
    akiec: ['ACK', 'akiec', 'malignant'],
    bcc: ['BCC', 'bcc', 'malignant'],
    bkl: ['SEK', 'bkl', 'benign'],
    df: [null, 'df', 'benign'],
    mel: ['MEL', 'mel', 'malignant'],
    nv: ['NEV', 'nv', 'benign'],
    vasc: [null, 'vasc', 'benign'],
  },
  /**
   * iddx_3, which most benign lesions lack. Whether a lesion is malignant is decided by the column
   * `target`, not by this table.
   */
  'ISIC 2024': {
    'Solar or actinic keratosis': ['ACK', 'akiec', null],
    'Basal cell carcinoma': ['BCC', 'bcc', null],
    'Melanoma Invasive': ['MEL', 'mel', null],
    'Melanoma in situ': ['MEL', 'mel', null],
    'Melanoma metastasis': ['MEL', 'mel', null],
    'Melanoma, NOS': ['MEL', 'mel', null],
    Nevus: ['NEV', 'nv', null],
    'Squamous cell carcinoma in situ': ['SCC', 'akiec', null],
    'Squamous cell carcinoma, Invasive': ['SCC', null, null],
    'Squamous cell carcinoma, NOS': ['SCC', null, null],
    'Seborrheic keratosis': ['SEK', 'bkl', null],
    'Pigmented benign keratosis': ['SEK', 'bkl', null],
    'Solar lentigo': [null, 'bkl', null],
    'Lichen planus like keratosis': [null, 'bkl', null],
    Dermatofibroma: [null, 'df', null],
    Hemangioma: [null, 'vasc', null],
  },
  /** midas_path, the pathology, in lower case and without spaces around hyphens. */
  MIDAS: {
    'malignant-ak': ['ACK', 'akiec', 'malignant'],
    'malignant-bcc': ['BCC', 'bcc', 'malignant'],
    'malignant-melanoma': ['MEL', 'mel', 'malignant'],
    'malignant-scc': ['SCC', null, 'malignant'],
    'malignant-sccis': ['SCC', 'akiec', 'malignant'],
    'malignant-other': [null, null, 'malignant'],
    'benign-melanocytic nevus': ['NEV', 'nv', 'benign'],
    'benign-seborrheic keratosis': ['SEK', 'bkl', 'benign'],
    'benign-dermatofibroma': [null, 'df', 'benign'],
    'benign-hemangioma': [null, 'vasc', 'benign'],
    'benign-fibrous papule': [null, null, 'benign'],
    'benign-other': [null, null, 'benign'],
    'other-non-neoplastic/inflammatory/infectious': [null, null, 'benign'],
    'other-melanocytic lesion with possible re-excision (severe/spitz nevus, aimp)': [
      null,
      null,
      null,
    ],
    'melanocytic tumor, possible re-excision (severe/spitz nevus, aimp)': [null, null, null],
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Words>>>>;

const WORDS: Readonly<Record<string, Words>> = {
  ...DIAGNOSES['PAD-UFES-20'],
  ...DIAGNOSES.HAM10000,
};

/**
 * The label for a diagnosis that is given in the words of PAD-UFES-20, of HAM10000 or of the label
 * set itself; undefined if the label set has none.
 */
export const labelOf = (diagnosis: string, { names }: LabelSet): string | undefined =>
  [diagnosis, ...(Object.hasOwn(WORDS, diagnosis) ? WORDS[diagnosis]! : [])].find(
    (word) => word !== null && names.includes(word),
  ) ?? undefined;
