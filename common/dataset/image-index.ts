// Finds the file of an image that a table names: by its path as far as the table gives it, in any
// folder, with any image's extension.
import { stemOf } from './archive.js';

export class ImageIndex {
  readonly #key: (stem: string) => string;
  readonly #byStem = new Map<string, string[]>();

  /**
   * @param paths of the images, below the folder, with /
   * @param key maps the stems of files and table to one form
   */
  constructor(paths: readonly string[], key: (stem: string) => string = (stem) => stem) {
    this.#key = key;
    for (const path of paths) {
      const stem = this.#stem(path);
      const alike = this.#byStem.get(stem);
      if (alike) alike.push(path);
      else this.#byStem.set(stem, [path]);
    }
  }

  /**
   * The images that a row can mean: those whose path ends as the row's; where there are none, those
   * of its stem, as the row's folders can be another computer's.
   * @param id a stem, or a path without extension
   */
  find(id: string): readonly string[] {
    const alike = this.#byStem.get(this.#stem(id)) ?? [];
    const folder = folderOf(id);
    if (folder === '') return alike;
    const within = alike.filter((path) => `/${folderOf(path)}`.endsWith(`/${folder}`));
    return within.length > 0 ? within : alike;
  }

  #stem(path: string): string {
    return this.#key(stemOf(path.slice(path.lastIndexOf('/') + 1)));
  }
}

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
