// Imports the files that a person picked: single images, a folder with a table of them, which may also
// come later by itself, or a folder for each diagnosis.
import { ambiguous, ImageFiles } from '../../../common/dataset/match-images.js';
import { Notes } from '../../../common/dataset/notes.js';
import { type ClinicRow, readClinicTable, rowsOfFolders } from '../../../common/dataset/plain.js';
import { LentigoError, type ErrorBody } from '../../../common/errors.js';
import type { LabelSet } from '../../../common/model/labels.js';
import { stemOf } from '../../../common/images/file-type.js';
import { imageError } from '../../../common/images/image-error.js';
import type { QualityFinding } from '../../../common/images/quality.js';
import type { Collection } from './collection.js';
import { withoutHeic } from './heic.js';
import { mergeFields, type Merged } from './merge.js';
import { type Fields, FIELDS, type Photograph, withoutEmpty } from './photograph.js';
import { kindOf, type PickedFiles, sameContent, sortFiles } from './picked-files.js';

export interface Imported {
  readonly added: readonly Photograph[];
  /** Were here already, and were given what the table says and they lacked. */
  readonly completed: readonly Photograph[];
  /** Number of those that were here already, and to which nothing was added. */
  readonly known: number;
  /** What the table says otherwise than is filled in here, which stays. */
  readonly conflicts: readonly (Merged['conflicts'][number] & { readonly name: string })[];
  /** Refused by the quality checks. */
  readonly refused: readonly {
    readonly name: string;
    readonly quality: readonly QualityFinding[];
  }[];
  /** Rows without an image or with several, and images that can't be read. */
  readonly problems: readonly ({ readonly name: string } & ErrorBody)[];
  /** What reading the table noticed. */
  readonly notes: readonly string[];
  /** Folder → number of its photographs, where its name is no diagnosis that is known here. */
  readonly folders: Readonly<Record<string, number>>;
  /** Number of photographs that were picked and that the table does not name. */
  readonly unnamed: number;
  /** Number of other files, by what they are. */
  readonly others: Readonly<Record<string, number>>;
}

/** A photograph to import, or a row for one that is here already. */
interface Wanted {
  /** As the file or the table names it. */
  readonly image: string;
  readonly fields: Fields;
  /** The files that may be meant: none, one, or several. */
  readonly files: readonly File[];
  readonly paths: readonly string[];
}

/**
 * Imports images one by one; if the signal stops it, those imported so far stay. If there is a table
 * among the files, its rows say which images are imported and what is known about them; for images
 * that are here already, it fills in what is missing. Without a table, their folders say the
 * diagnosis, if they are called so.
 * @throws LENTIGO_DATA_METADATA_INVALID, LENTIGO_DATA_SPLIT_LEAK before anything is imported;
 *   LENTIGO_DISK_FULL
 */
export async function importFiles(
  files: readonly File[],
  collection: Collection,
  labels: LabelSet,
  onProgress: (done: number, of: number) => void,
  signal: AbortSignal,
): Promise<Imported> {
  const notes = new Notes();
  const picked = await sortFiles(files);
  const { pictures } = picked;
  const { wanted, table } = await wantedOf(picked, labels, notes);
  const others = { ...picked.others };
  for (const [path] of picked.tables)
    if (path !== table) {
      const kind = kindOf(path);
      others[kind] = (others[kind] ?? 0) + 1;
    }
  const taken = new Set(wanted.flatMap(({ paths }) => paths));
  const here = new Here(await collection.list());
  const rowsOf = new Map<string, number>();
  for (const name of wanted.map(({ image }) => nameOf(image)))
    rowsOf.set(name, (rowsOf.get(name) ?? 0) + 1);
  const imported = {
    added: [] as Photograph[],
    completed: [] as Photograph[],
    known: 0,
    conflicts: [] as Imported['conflicts'][number][],
    refused: [] as Imported['refused'][number][],
    problems: [] as Imported['problems'][number][],
    notes: notes.lines(),
    folders: table === undefined ? unknownFolders(wanted) : {},
    unnamed: [...pictures.keys()].filter((path) => !taken.has(path)).length,
    others,
  };
  const complete = async (photograph: Photograph, fields: Fields) => {
    const { fields: merged, filled, conflicts } = mergeFields(photograph.fields, fields);
    imported.conflicts.push(...conflicts.map((each) => ({ name: photograph.name, ...each })));
    if (filled.length === 0) return void imported.known++;
    const described = await collection.describe(photograph, merged);
    here.add(described);
    imported.completed.push(described);
  };
  for (const [done, { image, fields, files: found, paths }] of wanted.entries()) {
    if (signal.aborted) break;
    onProgress(done, wanted.length);
    try {
      const [file] = found;
      if (!file) {
        await complete(here.named(image, rowsOf), fields);
        continue;
      }
      if (found.length > 1 && !(await sameContent(found)))
        throw new LentigoError('LENTIGO_DATA_IMAGE_AMBIGUOUS', `${ambiguous(image, paths)}.`);
      const readable = await withoutHeic(file);
      const examined = await collection.examine(readable, file.name);
      const before = here.withContent(examined.sha256);
      if (before) await complete(before, fields);
      else if (examined.quality.some((f) => f.severe))
        imported.refused.push({ name: file.name, quality: examined.quality });
      else {
        const added = await collection.add(examined, free(nameOf(image), here.names), fields);
        here.add(added);
        imported.added.push(added);
      }
    } catch (thrown) {
      const { code, message } = imageError(thrown);
      imported.problems.push({ name: image, ...new LentigoError(code, message).body() });
    }
  }
  onProgress(wanted.length, wanted.length);
  return imported;
}

/** The images that are wanted: those of the table's rows, or all, with what their folders say. */
async function wantedOf(
  { pictures, tables }: PickedFiles,
  labels: LabelSet,
  notes: Notes,
): Promise<{ readonly wanted: readonly Wanted[]; readonly table?: string }> {
  const sources = tables.map(([name, file]) => ({ name, open: () => chunksOf(file) }));
  const read = await readClinicTable(sources, notes);
  if (read) {
    const images = new ImageFiles(pictures.keys());
    const wanted = read.rows.map((row) => {
      const paths = images.find(row.image);
      const files = paths.map((path) => pictures.get(path)!);
      return { image: row.image, fields: fieldsOf(row), files, paths };
    });
    return { wanted, table: read.table };
  }
  const all = [...pictures].sort(byPath);
  // The picked folder itself may be called by a diagnosis.
  const folders = rowsOfFolders(
    all.map(([path, file]) => file.webkitRelativePath || path),
    labels,
    notes,
  );
  const wanted = all.map(([path, file], i) => {
    const row = folders?.[i];
    const diagnostic = row && row.leftOut === undefined ? row.diagnosis : '';
    return { image: path, fields: withoutEmpty({ diagnostic }), files: [file], paths: [path] };
  });
  return { wanted };
}

/** The folders of photographs that have no diagnosis by them; not the picked one alone. */
export function unknownFolders(
  wanted: readonly Pick<Wanted, 'image' | 'fields'>[],
): Readonly<Record<string, number>> {
  const folders: Record<string, number> = {};
  for (const { image, fields } of wanted) {
    const folder = image.split('/').at(-2);
    if (folder !== undefined && fields.diagnostic === undefined)
      folders[folder] = (folders[folder] ?? 0) + 1;
  }
  return folders;
}

/** The photographs that are here, by content and by name. */
class Here {
  readonly #byHash = new Map<string, Photograph>();
  readonly #byName = new Map<string, Photograph>();

  constructor(photographs: readonly Photograph[]) {
    for (const photograph of photographs) this.add(photograph);
  }
  add(photograph: Photograph): void {
    this.#byHash.set(photograph.sha256, photograph);
    this.#byName.set(photograph.name.normalize('NFC'), photograph);
  }
  get names(): { has(name: string): boolean } {
    return this.#byName;
  }
  withContent(sha256: string): Photograph | undefined {
    return this.#byHash.get(sha256);
  }
  /**
   * The one that a row means whose image was not picked.
   * @param rowsOf number of rows of the table that name it so
   * @throws LENTIGO_DATA_IMAGE_MISSING; LENTIGO_DATA_IMAGE_AMBIGUOUS where another photograph or
   *   another row has the same name
   */
  named(image: string, rowsOf: ReadonlyMap<string, number>): Photograph {
    const name = nameOf(image);
    const found = this.#byName.get(name);
    if (!found)
      throw new LentigoError(
        'LENTIGO_DATA_IMAGE_MISSING',
        `The table names ${image}; no such photograph was picked, and none is here.`,
      );
    const second = `${name}-2`;
    if (rowsOf.get(name)! > 1 || (this.#byName.has(second) && !rowsOf.has(second)))
      throw new LentigoError(
        'LENTIGO_DATA_IMAGE_AMBIGUOUS',
        `The table names ${image}; there are several photographs of this name, so pick them together with the table.`,
      );
    return found;
  }
}

/** A file's bytes; Safari's streams are no iterables. */
async function* chunksOf(file: File): AsyncGenerator<Uint8Array> {
  const reader = file.stream().getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

const fieldsOf = ({ fields }: ClinicRow): Fields =>
  Object.fromEntries(
    FIELDS.flatMap((field) =>
      fields[field] === undefined ? [] : [[field, String(fields[field])]],
    ),
  );
const byPath = ([a]: readonly [string, File], [b]: readonly [string, File]): number =>
  a < b ? -1 : 1;
/** What a photograph is called here: without folder and extension, composed (NFC). */
const nameOf = (image: string): string => stemOf(image.slice(image.search(/[^/\\]*$/)));

/** The name, with a number added if it is taken. */
export function free(name: string, taken: { has(name: string): boolean }): string {
  let own = name.slice(0, 190);
  for (let n = 2; taken.has(own); n++) own = `${name.slice(0, 190)}-${n}`;
  return own;
}
