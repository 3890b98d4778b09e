// Which file is meant by a row of a table. One rule for a folder on disk and for files picked in a
// browser:
//
// 1. Names are compared composed (NFC), and extensions don't count: IMG_1, IMG_1.jpg and IMG_1.PNG
//    name the same image. Hidden files, and what systems leave behind, are no images.
// 2. A file at the very path that the row gives, seen from the folder, goes before all others. A row
//    that names a folder (photos/IMG_1.jpg) means a file whose path ends so; or, where the row's
//    path is the longer one (/home/ana/photos/IMG_1.jpg), one whose path is the end of it. Otherwise
//    it may be in any folder. A row with .. in its path (../others/IMG_1.jpg) means none.
// 3. Of several, one with the same capitals goes before others, one of a format that is read before
//    others, and, within one folder, the one with the very extension that the row has.
// 4. If several are left that differ in content, the row is ambiguous: it is named with all of
//    them, and no file is taken.
import { isImageName, isPictureName, stemOf } from '../images/file-type.js';

const SYSTEM =
  /^(\.|__MACOSX$|@eaDir$|#recycle$|#snapshot$|\$RECYCLE\.BIN$|System Volume Information$|lost\+found$|Thumbs\.db$|desktop\.ini$|Icon\r$)/i;

/** Whether a folder or file is hidden, or left behind by a system: `name` is the last of its path. */
export const isHidden = (name: string): boolean => SYSTEM.test(name);

interface Candidate {
  /** As the disk writes it, with / between folders. */
  readonly path: string;
  /** Composed: the folders, the name, and the name without its extension. */
  readonly folder: string;
  readonly name: string;
  readonly stem: string;
}

function candidateOf(path: string): Candidate {
  const composed = path
    .normalize('NFC')
    .replaceAll('\\', '/')
    .replace(/^(\.\/)+/, '');
  const slash = composed.lastIndexOf('/');
  const name = composed.slice(slash + 1);
  return { path, folder: composed.slice(0, Math.max(0, slash)), name, stem: stemOf(name) };
}

/** Whether a path goes up, and maybe out of the folder. */
export const leadsOut = (path: string): boolean => path.split(/[/\\]/).includes('..');

/** Whether a path's last folders are those of another; of every path, if that has none. */
const endsWith = (folder: string, last: string): boolean =>
  last === '' || `/${folder}`.endsWith(`/${last}`);

/** Those that pass, if any does. */
function preferring<T>(all: readonly T[], passes: (one: T) => boolean): readonly T[] {
  const some = all.filter(passes);
  return some.length > 0 ? some : all;
}

export class ImageFiles {
  /** Paths alone: there may be hundreds of thousands. */
  readonly #byStem = new Map<string, string | string[]>();
  readonly #key: (stem: string) => string;

  /**
   * @param paths of the files, relative to one folder; others than pictures are passed over
   * @param key for archives whose files are named a little differently than in the table
   */
  constructor(paths: Iterable<string>, key: (stem: string) => string = (stem) => stem) {
    this.#key = (stem) => key(stem).toLowerCase();
    for (const path of paths) {
      if (!isPictureName(path)) continue;
      const stem = this.#key(candidateOf(path).stem);
      const same = this.#byStem.get(stem);
      if (same === undefined) this.#byStem.set(stem, path);
      else if (typeof same === 'string') this.#byStem.set(stem, [same, path]);
      else same.push(path);
    }
  }

  /**
   * The paths that a row may mean: none if there is no such file, several if it is ambiguous (they
   * may still be copies of one).
   * @param image as the table names it
   */
  find(image: string): readonly string[] {
    if (leadsOut(image)) return [];
    const { folder, name, stem } = candidateOf(image);
    let found: readonly Candidate[] = [this.#byStem.get(this.#key(stem)) ?? []]
      .flat()
      .map(candidateOf);
    const same = (one: Candidate) => one.name.toLowerCase() === name.toLowerCase();
    if (folder !== '') {
      const within = found.filter((one) => endsWith(one.folder, folder));
      const above = found.filter((one) => endsWith(folder, one.folder));
      const nearest = Math.max(...above.map((one) => one.folder.length));
      found = within.length > 0 ? within : above.filter((one) => one.folder.length === nearest);
    }
    const exact = found.filter((one) => one.folder === folder && same(one));
    if (exact.length === 1) return [exact[0]!.path];
    found = preferring(found, (one) => one.stem === stem);
    found = preferring(found, (one) => isImageName(one.name));
    if (new Set(found.map((one) => one.folder)).size === 1) found = preferring(found, same);
    return found.map(({ path }) => path).sort();
  }

  /** The pictures among the files that no row took. */
  others(taken: ReadonlySet<string>): string[] {
    return [...this.#byStem.values()].flat().filter((path) => !taken.has(path));
  }
}

/** "6 .jpg, 1 .tif": the most frequent first. */
export function countExtensions(paths: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const path of paths) {
    const extension = /\.[^./\\]+$/.exec(path)?.[0].toLowerCase() ?? 'without extension';
    counts.set(extension, (counts.get(extension) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .map(([extension, n]) => `${n} ${extension}`)
    .join(', ');
}

/** What a row is told whose image is ambiguous. */
export const ambiguous = (image: string, paths: readonly string[]): string =>
  `${image} could be any of ${paths.length} different files: ${paths.slice(0, 5).join(', ')}${paths.length > 5 ? ', …' : ''}`;
