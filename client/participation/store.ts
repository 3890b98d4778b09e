// Persistent storage of a participant: a folder on disk (agent), or the browser's database (web).

export type Bytes = Uint8Array<ArrayBuffer>;

/** Files by name, in the form `folder/name`. Folders are created as needed. */
export interface Store {
  /** The whole file, or undefined if there is none. */
  read(name: string): Promise<Bytes | undefined>;
  /**
   * Replaces the file in one step, durably: after a crash it holds either the old bytes or the new.
   */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Appends to the file; a crash may leave only part of the new bytes. */
  append(name: string, bytes: Uint8Array): Promise<void>;
  /** Does nothing if there is no such file. */
  remove(name: string): Promise<void>;
  /** The names in one folder, without the folder, sorted. */
  list(folder: string): Promise<string[]>;
}
