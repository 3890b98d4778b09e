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
    'other-melanocytic lesion, possible re-excision (severe, spitz, aimp)': [null, null, null],
    'melanocytic tumor, possible re-excision (severe/spitz nevus, aimp)': [null, null, null],
    'melanocytic tumor, possible re-excision (severe, spitz, aimp)': [null, null, null],
  },
  /**
   * What people call them, in a table or folder of their own; whether an actinic keratosis is
   * malignant is decided as PAD-UFES-20 decides it.
   */
  English: {
    'actinic keratosis': ['ACK', 'akiec', 'benign'],
    'solar keratosis': ['ACK', 'akiec', 'benign'],
    'solar or actinic keratosis': ['ACK', 'akiec', 'benign'],
    ak: ['ACK', 'akiec', 'benign'],
    'basal cell carcinoma': ['BCC', 'bcc', 'malignant'],
    melanoma: ['MEL', 'mel', 'malignant'],
    'malignant melanoma': ['MEL', 'mel', 'malignant'],
    'melanoma in situ': ['MEL', 'mel', 'malignant'],
    'melanoma invasive': ['MEL', 'mel', 'malignant'],
    'melanoma metastasis': ['MEL', 'mel', 'malignant'],
    'melanoma nos': ['MEL', 'mel', 'malignant'],
    'lentigo maligna': ['MEL', 'mel', 'malignant'],
    nevus: ['NEV', 'nv', 'benign'],
    naevus: ['NEV', 'nv', 'benign'],
    mole: ['NEV', 'nv', 'benign'],
    'melanocytic nevus': ['NEV', 'nv', 'benign'],
    'melanocytic naevus': ['NEV', 'nv', 'benign'],
    'squamous cell carcinoma': ['SCC', null, 'malignant'],
    'squamous cell carcinoma invasive': ['SCC', null, 'malignant'],
    'squamous cell carcinoma nos': ['SCC', null, 'malignant'],
    'squamous cell carcinoma in situ': ['SCC', 'akiec', 'malignant'],
    'bowen disease': ['SCC', 'akiec', 'malignant'],
    'bowens disease': ['SCC', 'akiec', 'malignant'],
    'bowen s disease': ['SCC', 'akiec', 'malignant'],
    'seborrheic keratosis': ['SEK', 'bkl', 'benign'],
    'seborrhoeic keratosis': ['SEK', 'bkl', 'benign'],
    sk: ['SEK', 'bkl', 'benign'],
    'pigmented benign keratosis': ['SEK', 'bkl', 'benign'],
    'benign keratosis': ['SEK', 'bkl', 'benign'],
    'benign keratosis like lesion': ['SEK', 'bkl', 'benign'],
    'solar lentigo': [null, 'bkl', 'benign'],
    'lichen planus like keratosis': [null, 'bkl', 'benign'],
    dermatofibroma: [null, 'df', 'benign'],
    'vascular lesion': [null, 'vasc', 'benign'],
    hemangioma: [null, 'vasc', 'benign'],
    haemangioma: [null, 'vasc', 'benign'],
    angioma: [null, 'vasc', 'benign'],
    benign: [null, null, 'benign'],
    malignant: [null, null, 'malignant'],
  },
  /** The same in Portuguese, Spanish and German, without accents. */
  translated: {
    'ceratose actinica': ['ACK', 'akiec', 'benign'],
    'queratose actinica': ['ACK', 'akiec', 'benign'],
    'queratosis actinica': ['ACK', 'akiec', 'benign'],
    'aktinische keratose': ['ACK', 'akiec', 'benign'],
    'carcinoma basocelular': ['BCC', 'bcc', 'malignant'],
    basalzellkarzinom: ['BCC', 'bcc', 'malignant'],
    basaliom: ['BCC', 'bcc', 'malignant'],
    melanom: ['MEL', 'mel', 'malignant'],
    'malignes melanom': ['MEL', 'mel', 'malignant'],
    'melanoma maligno': ['MEL', 'mel', 'malignant'],
    nevo: ['NEV', 'nv', 'benign'],
    'nevo melanocitico': ['NEV', 'nv', 'benign'],
    navus: ['NEV', 'nv', 'benign'],
    'carcinoma espinocelular': ['SCC', null, 'malignant'],
    plattenepithelkarzinom: ['SCC', null, 'malignant'],
    spinaliom: ['SCC', null, 'malignant'],
    'ceratose seborreica': ['SEK', 'bkl', 'benign'],
    'queratose seborreica': ['SEK', 'bkl', 'benign'],
    'queratosis seborreica': ['SEK', 'bkl', 'benign'],
    'seborrhoische keratose': ['SEK', 'bkl', 'benign'],
    dermatofibrom: [null, 'df', 'benign'],
    hamangiom: [null, 'vasc', 'benign'],
    benigno: [null, null, 'benign'],
    gutartig: [null, null, 'benign'],
    maligno: [null, null, 'malignant'],
    bosartig: [null, null, 'malignant'],
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Words>>>>;

/** One form for "Basal-cell carcinoma", "basal_cell_carcinoma" and "BASAL CELL CARCINOMA". */
const keyOf = (diagnosis: string): string =>
  diagnosis
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

const byKey = (words: Readonly<Record<string, Words>>): [key: string, words: Words][] =>
  Object.entries(words).map(([diagnosis, each]) => [keyOf(diagnosis), each]);

const OF_ARCHIVES = new Map(
  Object.entries(DIAGNOSES).map(([archive, words]) => [archive, new Map(byKey(words))]),
);
const OF_ALL = new Map(
  [
    DIAGNOSES.MIDAS,
    DIAGNOSES.HAM10000,
    DIAGNOSES['PAD-UFES-20'],
    DIAGNOSES.translated,
    DIAGNOSES.English,
  ].flatMap(byKey),
);

/** The labels of a diagnosis in an archive's words; undefined if it has no such diagnosis. */
export const wordsIn = (archive: keyof typeof DIAGNOSES, diagnosis: string): Words | undefined =>
  OF_ARCHIVES.get(archive)!.get(keyOf(diagnosis));

/**
 * The labels of a diagnosis by its English name, or its code in an archive; undefined if nobody
 * knows it. Plurals ("nevi", "melanomas") are known, too.
 */
export function wordsOf(diagnosis: string): Words | undefined {
  const key = keyOf(diagnosis);
  const singular = key.replace(/ev[ie]$/, 'evus').replace(/keratoses$/, 'keratosis');
  return OF_ALL.get(key) ?? OF_ALL.get(singular) ?? OF_ALL.get(key.replace(/s$/, ''));
}

/**
 * The label for a diagnosis: the label set's own, whatever its capitals, or one of its words;
 * undefined if the label set has none.
 */
export function labelOf(
  diagnosis: string,
  { names }: LabelSet,
  words: Words | undefined = wordsOf(diagnosis),
): string | undefined {
  if (names.includes(diagnosis)) return diagnosis;
  const word = words?.find((each) => each !== null && names.includes(each));
  if (typeof word === 'string') return word;
  const key = keyOf(diagnosis);
  const alike = key === '' ? [] : names.filter((name) => keyOf(name) === key);
  return alike.length === 1 ? alike[0] : undefined;
}
