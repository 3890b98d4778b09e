// The description of an archive by its reader, and the rules for all archives: labels from a label
// set, and splits that no patient crosses.
import { LentigoError } from '../errors.js';
import type { LabelSet } from '../model/labels.js';
import { Random } from '../random.js';
import type { Words } from './diagnoses.js';
import type { Clinical, Split } from './sample.js';
import { DEFAULT_FRACTIONS, splitByPatient } from './split.js';
import { invalidTable, type TableRecord } from './table.js';

/** One image of an archive's table. */
export interface ArchiveRow {
  readonly line: number;
  /** The image's stem. */
  readonly id: string;
  /** The image's name in the table. */
  readonly image: string;
  readonly patient: string;
  /** The diagnosis as the archive names it. */
  readonly diagnosis: string;
  /** The labels in our label sets; undefined if the archive has no such diagnosis. */
  readonly words: Words | undefined;
  readonly split?: Split | 'test' | undefined;
  readonly fitzpatrick?: number | undefined;
  readonly clinical?: Clinical | undefined;
  /** Why this image is left out, whatever the label set. */
  readonly leftOut?: string | undefined;
}

/** Source and licence of the photographs, for a model card. */
export interface Source {
  readonly name: string;
  /** Authors, year, DOI. */
  readonly citation: string;
  readonly licence: string;
  /**
   * Generated, not photographed: a result on it says nothing about people, and the dataset's name
   * is enough to generate it again.
   */
  readonly synthetic?: true;
}

export interface Archive extends Source {
  /** The names that its table may have. */
  readonly tables: readonly string[];
  /** The columns that its reader requires; they identify the archive. */
  readonly columns: readonly string[];
  /** The column with the image's name. */
  readonly imageColumn: string;
  /** The unit that splits keep together. */
  readonly unit: 'patient' | 'lesion';
  /** The label set used if none is asked for. */
  readonly labels: LabelSet;
  /**
   * Whether the archive's own diagnoses are those labels. Then a label set that contains some of
   * them must contain all that occur.
   */
  readonly ownLabels: boolean;
  /**
   * For archives whose files are named a little differently than in the table: maps both stems to
   * one form.
   */
  readonly stemKey?: (stem: string) => string;
  /**
   * Reads the table's rows.
   * @throws LENTIGO_DATA_METADATA_INVALID
   */
  rows(table: readonly TableRecord[], file: string): ArchiveRow[];
}

const EXTENSION = /\.(png|jpe?g)$/i;
export const isImageName = (name: string): boolean => EXTENSION.test(name);
/** A file's name without an image's extension: it matches rows to images. */
export const stemOf = (name: string): string => name.replace(EXTENSION, '');

/**
 * Checks that no image is named twice.
 * @throws LENTIGO_DATA_METADATA_INVALID when two rows name the same image
 */
export function refuseDuplicates(
  rows: readonly Pick<ArchiveRow, 'id' | 'line' | 'image'>[],
  column: string,
  file: string,
): void {
  const seen = new Set<string>();
  for (const { id, line, image } of rows) {
    if (seen.has(id))
      throw invalidTable(file, `row ${line}, column ${column}: ${image} appears a second time`);
    seen.add(id);
  }
}

/**
 * Each row's label in a label set. If the set has no label for a diagnosis of another archive, that
 * row is left out and counted.
 * @throws LENTIGO_DATA_UNKNOWN_DIAGNOSIS when the archive has no such diagnosis; when the label set
 *   has some of the archive's own labels and lacks this one; or when it fits none
 */
export function labelRows<T extends ArchiveRow>(
  rows: readonly T[],
  archive: Archive,
  labels: LabelSet,
  file: string,
): { labelled: (T & { readonly label: string })[]; leftOut: Record<string, number> } {
  const names = new Set(labels.names);
  const unknown = ({ line, diagnosis }: ArchiveRow) =>
    new LentigoError(
      'LENTIGO_DATA_UNKNOWN_DIAGNOSIS',
      `${file}: row ${line}: unknown diagnosis "${diagnosis}"; known are ${labels.names.join(', ')}`,
    );
  const strict = archive.ownLabels && archive.labels.names.some((name) => names.has(name));
  const labelled: (T & { readonly label: string })[] = [];
  const leftOut: Record<string, number> = {};
  for (const row of rows) {
    const label = [row.diagnosis, ...(row.words ?? [])].find(
      (word) => word !== null && names.has(word),
    );
    if (row.leftOut === undefined && typeof label === 'string') {
      labelled.push({ ...row, label });
      continue;
    }
    if (row.leftOut === undefined && (strict || row.words === undefined)) throw unknown(row);
    const reason = row.leftOut ?? row.diagnosis;
    leftOut[reason] = (leftOut[reason] ?? 0) + 1;
  }
  const first = rows.find((row) => row.leftOut === undefined);
  if (labelled.length === 0 && first) throw unknown(first);
  return { labelled, leftOut };
}

/**
 * Checks a table's splits.
 * @throws LENTIGO_DATA_METADATA_INVALID when some rows have a split and others none;
 *   LENTIGO_DATA_SPLIT_LEAK when a patient (or lesion) is in two
 */
export function checkSplits(
  rows: readonly Pick<ArchiveRow, 'patient' | 'line' | 'split'>[],
  unit: Archive['unit'],
  file: string,
): void {
  const without = rows.find((row) => row.split === undefined);
  if (without) {
    if (rows.some((row) => row.split !== undefined))
      throw invalidTable(
        file,
        `row ${without.line}, column split: empty, while other rows have one`,
      );
    return;
  }
  const splits = new Map<string, ArchiveRow['split']>();
  const leaks = new Set<string>();
  for (const { patient, split } of rows) {
    if (splits.has(patient) && splits.get(patient) !== split) leaks.add(patient);
    splits.set(patient, split);
  }
  if (leaks.size === 0) return;
  const some = [...leaks].slice(0, 10).join(', ');
  throw new LentigoError(
    'LENTIGO_DATA_SPLIT_LEAK',
    `${file}: ${leaks.size} ${unit}s are in more than one split: ${some}${leaks.size > 10 ? ', …' : ''}`,
  );
}

/**
 * Each row's split: the table's own. If the table knows only train and test, test is held out and a
 * fifth of the training patients becomes validation. Without any, patients are split 60/20/20. Both
 * are seeded, and stratified on diagnosis.
 * @throws what checkSplits throws
 */
export function splitRows(
  rows: readonly (ArchiveRow & { readonly label: string })[],
  unit: Archive['unit'],
  file: string,
  seed: number,
): Split[] {
  checkSplits(rows, unit, file);
  const random = new Random(seed).fork('split');
  if (rows[0]?.split === undefined) {
    const drawn = splitByPatient(rows, DEFAULT_FRACTIONS, random);
    return rows.map(({ patient }) => drawn.get(patient)!);
  }
  const twofold =
    rows.some(({ split }) => split === 'test') && !rows.some(({ split }) => split === 'validation');
  const drawn = twofold
    ? splitByPatient(
        rows.filter(({ split }) => split === 'train'),
        { train: 0.8, validation: 0.2, heldout: 0 },
        random,
      )
    : undefined;
  return rows.map(({ patient, split }) =>
    split === 'test' ? 'heldout' : (drawn?.get(patient) ?? (split as Split)),
  );
}
