// A clinic's own photographs, without the form of an archive: a table that names each file and its
// diagnosis, or a folder for each diagnosis.
import { stemOf } from '../images/file-type.js';
import { PAD_UFES_LABELS, type LabelSet } from '../model/labels.js';
import { type Archive, type ArchiveRow, checkSplits, type RowReader, rowsBy } from './archive.js';
import { optionalText, splitOf, splitWord } from './cells.js';
import { chooseTable, knownBy } from './choose-table.js';
import { labelOf, wordsOf } from './diagnoses.js';
import type { TableSource } from './encoding.js';
import type { Notes } from './notes.js';
import { clinicalOf, METADATA, Row } from './pad-ufes.js';
import { readRows } from './rows.js';
import { type Column, openCsv } from './table.js';

/** PAD-UFES-20's columns, and what other tables call them. */
const NAMES: Readonly<Partial<Record<keyof Row, string>>> = {
  img_id:
    'file filename file_path image image_file image_filename image_name image_path image_id img img_name img_path img_file path picture photograph photo photo_id isic_id midas_file_name arquivo imagem foto archivo imagen datei dateiname bild',
  diagnostic:
    'diagnosis dx label class class_name diagnostic_label diagnosis_label diagnosis_name disease final_diagnosis diagnosis_final final_dx dx_final confirmed_diagnosis primary_diagnosis main_diagnosis histopathology histopathological_diagnosis histopathology_diagnosis histology histological_diagnosis pathology pathological_diagnosis pathology_diagnosis clinical_diagnosis diagnóstico diagnóstico_final diagnose histologie',
  patient_id:
    'patient patient_number patient_no patient_code pid subject subject_id paciente id_paciente paciente_id patienten_id patientennummer',
  split: 'set subset partition',
  fitspatrick: 'fitzpatrick fitzpatrick_type fitzpatrick_skin_type skin_type phototype',
  age: 'age_approx idade edad alter',
  gender: 'sex sexo geschlecht',
  region: 'localization anatom_site_general body_site',
};
const READS: readonly Column[] = Object.keys(Row.shape).map((column) => [
  column,
  ...(NAMES[column as keyof Row]?.split(' ') ?? []),
]);

const PlainRow = Row.extend({ patient_id: optionalText, split: splitWord });

/** A row of a clinic's table, with all that PAD-UFES-20's columns say of the photograph. */
export interface ClinicRow extends ArchiveRow {
  readonly fields: Readonly<Partial<Record<Exclude<keyof Row, 'img_id'>, string | number>>>;
}

/** Reads a clinic's table, with PAD-UFES-20's columns or fewer. */
const CLINIC_TABLE: RowReader<ClinicRow> = {
  ...rowsBy(PlainRow, ['img_id', 'diagnostic'], 'img_id', (row, { record, line }, notes) => {
    const { img_id, ...known } = row;
    const id = stemOf(img_id);
    if (!('patient_id' in record)) notes.say(NO_PATIENTS);
    else if (!row.patient_id) notes.row('without a patient: each counts as its own', line);
    const fields = Object.entries(known).filter(([, value]) => value !== undefined && value !== '');
    return {
      id,
      image: img_id,
      patient: row.patient_id || id,
      diagnosis: row.diagnostic,
      words: wordsOf(row.diagnostic),
      split: row.split,
      fitzpatrick: row.fitspatrick,
      clinical: clinicalOf(row),
      fields: {
        ...Object.fromEntries(fields),
        ...(row.split === 'test' && { split: 'heldout' }),
      },
    };
  }),
  reads: READS,
};

const NO_PATIENTS =
  'nothing says which photographs are of one patient: each counts as a patient of its own';

export const PLAIN: Archive = {
  name: 'own photographs',
  citation: 'not published',
  licence: "the clinic's",
  tables: [METADATA],
  unit: 'patient',
  labels: PAD_UFES_LABELS,
  ...CLINIC_TABLE,
  row(record, file, notes) {
    const { fields: _, ...row } = CLINIC_TABLE.row(record, file, notes);
    return row;
  },
};

/**
 * The rows of the table among the files that somebody picked.
 * @returns them and the table's name; undefined when none of them is a table of photographs
 * @throws LENTIGO_DATA_METADATA_INVALID, LENTIGO_DATA_SPLIT_LEAK
 */
export async function readClinicTable(
  files: readonly TableSource[],
  notes: Notes,
): Promise<{ rows: ClinicRow[]; table: string } | undefined> {
  const byName = new Map(files.map((file) => [file.name, file]));
  const readers = [{ ...CLINIC_TABLE, tables: [METADATA] }];
  const { table, reader, own, reason } = await chooseTable(
    [...byName.keys()],
    readers,
    (name, noticed) => openCsv(byName.get(name)!, knownBy(readers), noticed),
  );
  if (reason) throw reason;
  if (!table) return undefined;
  const rows = await readRows(table, reader, own, (row) => row);
  checkSplits(rows, 'patient', table.name);
  notes.add(own);
  return { rows, table: table.name };
}

/**
 * The rows of photographs that lie in a folder for each diagnosis; the folder may lie in others, and
 * hold others. Folders `train`, `validation` and `test` split them, if all are in one.
 * @param paths of the images, below the folder, with /
 * @param labels whose own names are known, too
 * @returns undefined when no folder has a diagnosis' name
 */
export function rowsOfFolders(
  paths: readonly string[],
  labels: LabelSet | undefined,
  notes: Notes,
): ArchiveRow[] | undefined {
  const known = (folder: string): boolean =>
    wordsOf(folder) !== undefined || (labels && labelOf(folder, labels)) !== undefined;
  const ids = new Set<string>();
  const rows = paths.map((path, i) => {
    const folders = path.split('/').slice(0, -1);
    const stem = stemOf(path);
    const id = ids.has(stem) ? path : stem;
    ids.add(id);
    const diagnosis = folders.findLast(known);
    return {
      line: i + 1,
      id,
      image: path,
      patient: id,
      diagnosis: diagnosis ?? folders.at(-1) ?? '',
      words: diagnosis === undefined ? undefined : wordsOf(diagnosis),
      split: folders.map(splitOf).find((split) => split !== undefined),
      leftOut: diagnosis === undefined ? leftOutOf(folders.at(-1)) : undefined,
    };
  });
  if (rows.every(({ leftOut }) => leftOut !== undefined)) return undefined;
  notes.say("the folders' names are the diagnoses");
  notes.say(NO_PATIENTS);
  const used = rows.filter(({ leftOut }) => leftOut === undefined);
  const split = used.filter((row) => row.split !== undefined).length;
  if (split === used.length) return rows;
  if (split > 0)
    notes.say(
      `${split} images lie in a folder that names a split, and ${used.length - split} in none: the folders do not split them`,
    );
  return rows.map((row) => ({ ...row, split: undefined }));
}

const leftOutOf = (folder: string | undefined): string =>
  folder === undefined
    ? 'not in the folder of a diagnosis'
    : `folder "${folder}" names no diagnosis`;
