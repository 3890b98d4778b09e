// What an archive's reader says of it, and what then holds for all of them: labels in the words of
// a label set, splits that no patient crosses.
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
  /** As the table names it. */
  readonly image: string;
  readonly patient: string;
  /** As the archive calls it. */
  readonly diagnosis: string;
  /** In the words of our label sets; undefined where the archive has no such diagnosis. */
  readonly words: Words | undefined;
  readonly split?: Split | 'test' | undefined;
  readonly fitzpatrick?: number | undefined;
  readonly clinical?: Clinical | undefined;
  /** Why this image isn't offered, whatever the label set. */
  readonly leftOut?: string | undefined;
}

/** Where photographs come from, and on what terms: for a model card. */
export interface Source {
  readonly name: string;
  /** Authors, year, DOI. */
  readonly citation: string;
  readonly licence: string;
  /**
   * Made, not photographed: a result on it says nothing of people, and the dataset's name is enough
   * to make it again.
   */
  readonly synthetic?: true;
}

export interface Archive extends Source {
  /** What its table may be called. */
  readonly tables: readonly string[];
  /** The columns that its reader can't do without; by them an archive is recognised. */
  readonly columns: readonly string[];
  /** The column that names an image. */
  readonly imageColumn: string;
  /** What splits go by. */
  readonly unit: 'patient' | 'lesion';
  /** Read with these where no label set is asked for. */
  readonly labels: LabelSet;
  /**
   * Whether the archive's own diagnoses are those labels: then a label set that has some of them
   * must have all that occur.
   */
  readonly ownLabels: boolean;
  /** Where files are named a little otherwise than in the table: both stems in one form. */
  readonly stemKey?: (stem: string) => string;
  /** @throws LENTIGO_DATA_METADATA_INVALID */
  rows(table: readonly TableRecord[], file: string): ArchiveRow[];
}

const EXTENSION = /\.(png|jpe?g)$/i;
export const isImageName = (name: string): boolean => EXTENSION.test(name);
/** A file's name without the ending of an image: how rows and images are matched. */
export const stemOf = (name: string): string => name.replace(EXTENSION, '');

/** @throws LENTIGO_DATA_METADATA_INVALID when two rows name one image */
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
 * Each row's label, in the words of a label set. Where it has none for a diagnosis of another
 * archive, that row is left out and counted.
 * @throws LENTIGO_DATA_UNKNOWN_DIAGNOSIS the archive knows no such diagnosis; the label set has
 *   some of the archive's own and lacks this one; or it fits none
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
 * @throws LENTIGO_DATA_METADATA_INVALID some rows have a split and others none;
 *   LENTIGO_DATA_SPLIT_LEAK a patient (or lesion) is in two
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
 * Each row's split: the table's own. Of a table that knows only train and test, test is held out
 * and a fifth of the training patients becomes validation;
 * without any, patients are split 60/20/20. Both by the seed, stratified on diagnosis.
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
