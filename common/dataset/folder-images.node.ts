// The images below a folder on disk: which file a row means (match-images.ts), and what has to be
// said about the others.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageCode } from '../images/image-error.js';
import { ambiguous, countExtensions, ImageFiles, leadsOut } from './match-images.js';
import type { FoundFiles } from './walk.node.js';

type FoundImage =
  | { readonly path: string; readonly revision: string }
  | { readonly path?: undefined; readonly code: ImageCode; readonly message: string };

/** Files of this many bytes and more are not compared: they are taken to differ. */
const MOST_COMPARED = 1e9;

export class FolderImages {
  readonly #root: string;
  readonly #found: FoundFiles;
  readonly #files: ImageFiles;
  readonly #unusable: ImageFiles;

  /**
   * @param found the files below `root`
   * @param key for archives whose files are named a little differently than in the table
   */
  constructor(root: string, found: FoundFiles, key?: (stem: string) => string) {
    this.#root = root;
    this.#found = found;
    this.#files = new ImageFiles(found.files, key);
    this.#unusable = new ImageFiles(found.unusable.keys(), key);
  }

  /** The file of a row's image, or why there is none. */
  async find(image: string): Promise<FoundImage> {
    const paths = this.#files.find(image);
    if (paths.length === 0)
      return { code: 'LENTIGO_DATA_IMAGE_MISSING', message: this.#missing(image) };
    const path = join(this.#root, paths[0]!);
    if (paths.length > 1 && !(await this.#same(paths)))
      return { code: 'LENTIGO_DATA_IMAGE_AMBIGUOUS', message: ambiguous(image, paths) };
    try {
      const { size, mtimeMs } = await stat(path);
      return { path, revision: `${size}-${mtimeMs}` };
    } catch {
      return { code: 'LENTIGO_DATA_IMAGE_MISSING', message: `${path} is no longer there` };
    }
  }

  #missing(image: string): string {
    if (leadsOut(image)) return `${image} leads out of the folder by "..": it is not looked for`;
    const [unusable] = this.#unusable.find(image);
    if (unusable !== undefined) return `${unusable} ${this.#found.unusable.get(unusable)}`;
    return `no image ${image} (.jpg, .png, .webp, .avif or .heic) below ${this.#root}`;
  }

  /** Whether they are copies of one file, or links to it. */
  async #same(paths: readonly string[]): Promise<boolean> {
    const all = paths.map((path) => join(this.#root, path));
    try {
      const stats = await Promise.all(all.map((path) => stat(path)));
      const [first] = stats;
      if (stats.every(({ dev, ino }) => dev === first!.dev && ino === first!.ino)) return true;
      if (first!.size > MOST_COMPARED || stats.some(({ size }) => size !== first!.size))
        return false;
      const bytes = await readFile(all[0]!);
      for (const other of all.slice(1)) if (!bytes.equals(await readFile(other))) return false;
      return true;
    } catch {
      return false;
    }
  }

  /**
   * What its owner should know, one sentence each.
   * @param named the images of all rows
   */
  notes(named: readonly string[]): string[] {
    const { hidden, closed } = this.#found;
    const notes = [...closed].map(([path, reason]) => `the folder ${path} was not read: ${reason}`);
    const passed = [
      hidden.folders > 0 ? plural(hidden.folders, 'hidden folder') : undefined,
      hidden.files > 0 ? plural(hidden.files, 'hidden file') : undefined,
    ].filter((part) => part !== undefined);
    if (passed.length > 0) notes.push(`passed over: ${passed.join(' and ')}`);
    const others = this.#files.others(new Set(named.flatMap((image) => this.#files.find(image))));
    if (others.length > 0)
      notes.push(
        `${plural(others.length, 'image')} ${others.length === 1 ? 'is' : 'are'} in no row of the table: not used (${countExtensions(others)}, such as ${others[0]})`,
      );
    return notes;
  }
}

const plural = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
