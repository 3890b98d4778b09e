// What a kind of dataset offers that is no folder with a table.
import type { LabelSet } from '../model/labels.js';
import type { Source } from './archive.js';
import type { Dataset } from './sample.js';

export interface ReadOptions {
  /** In whose words the samples are labelled; by default the dataset's own. */
  readonly labels?: LabelSet | undefined;
  /** Decides the splits where the dataset doesn't; 0 by default. */
  readonly seed?: number | undefined;
}

/** A dataset that is no folder with a table: it says itself what is its own, and opens it. */
export interface DatasetFormat extends Source {
  /** What --data may say, such as synthetic:site=1&images=60; for help. */
  readonly example: string;
  /** @param spec what --data says: a folder, or NAME:… */
  recognises(spec: string): boolean | Promise<boolean>;
  open(spec: string, options: ReadOptions): Dataset | Promise<Dataset>;
}
