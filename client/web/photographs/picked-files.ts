// The files that a person picked: which are photographs, which is the table, and what the others
// are.
import { isTableName } from '../../../common/dataset/choose-table.js';
import { isHidden } from '../../../common/dataset/match-images.js';
import { identify, isPictureName } from '../../../common/images/file-type.js';

export interface PickedFiles {
  /** Path, relative to the picked folder → file: what may be a photograph. */
  readonly pictures: ReadonlyMap<string, File>;
  /** Path → file, the highest first: what may be a table of them. */
  readonly tables: readonly (readonly [path: string, file: File])[];
  /** Number of the other files, by what they are. */
  readonly others: Readonly<Record<string, number>>;
}

/** The path within the picked folder; single files have none but their name. */
const pathOf = (file: File): string => file.webkitRelativePath.replace(/^[^/]*\//, '') || file.name;
const depth = (file: File): number => file.webkitRelativePath.split('/').length;

/** What a file is, by its name's end. */
export const kindOf = (name: string): string =>
  /\.[^./]+$/.exec(name)?.[0].toLowerCase() ?? 'unknown';

export async function sortFiles(files: readonly File[]): Promise<PickedFiles> {
  const pictures = new Map<string, File>();
  const others: Record<string, number> = {};
  const count = (what: string) => (others[what] = (others[what] ?? 0) + 1);
  const tables: [string, File][] = [];
  for (const file of files) {
    const path = pathOf(file);
    if (path.split('/').some(isHidden)) count('hidden');
    else if (isTableName(file.name)) tables.push([path, file]);
    else if (isPictureName(file.name)) pictures.set(path, file);
    else {
      const found = identify(new Uint8Array(await file.slice(0, 512).arrayBuffer()));
      if (found.type !== undefined) pictures.set(path, file);
      else count(found.is ?? kindOf(file.name));
    }
  }
  tables.sort(([, a], [, b]) => depth(a) - depth(b));
  return { pictures, tables, others };
}

/** Whether they are copies of one file. */
export async function sameContent(files: readonly File[]): Promise<boolean> {
  const [first, ...rest] = files;
  if (!first || rest.some(({ size }) => size !== first.size)) return false;
  const bytes = new Uint8Array(await first.arrayBuffer());
  for (const file of rest) {
    const other = new Uint8Array(await file.arrayBuffer());
    if (other.some((byte, i) => byte !== bytes[i])) return false;
  }
  return true;
}
