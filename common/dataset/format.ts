// The interface of a kind of dataset that is not a folder with a table.
import type { LabelSet } from '../model/labels.js';
import type { Source } from './archive.js';
import type { Dataset } from './sample.js';

export interface ReadOptions {
  /** The label set of the samples; by default the dataset's own. */
  readonly labels?: LabelSet | undefined;
  /** Seed of the splits if the dataset has none; 0 by default. */
  readonly seed?: number | undefined;
  /**
   * Where a table gives no splits: this share of the patients is held out, the others are for
   * training, as a clinic wants it. By default 60/20/20, with validation, as a study wants it.
   */
  readonly evaluationShare?: number | undefined;
}

/**
 * A dataset that is not a folder with a table: it recognises its own specifications, and opens
 * them.
 */
export interface DatasetFormat extends Source {
  /** An example of its --data, such as synthetic:site=1&images=60; for help. */
  readonly example: string;
  /** @param spec the value of --data: a folder, or NAME:… */
  recognises(spec: string): boolean | Promise<boolean>;
  open(spec: string, options: ReadOptions): Dataset | Promise<Dataset>;
}
