// Where a participant keeps what must outlive it: a folder on disk (agent), the browser's private
// file system (web).

export type Bytes = Uint8Array<ArrayBuffer>;

/** Files by name, of the form `folder/name`; folders need not be made. */
export interface Store {
  /** The whole file, or undefined where there is none. */
  read(name: string): Promise<Bytes | undefined>;
  /**
   * Replaces the file in one step, durably: after a crash it holds either the old bytes or the new.
   */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Adds to the end; a crash may leave only part of it. */
  append(name: string, bytes: Uint8Array): Promise<void>;
  /** Nothing happens where there is none. */
  remove(name: string): Promise<void>;
  /** The names in one folder, without the folder, sorted. */
  list(folder: string): Promise<string[]>;
}
