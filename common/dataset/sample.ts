// The one shape that every archive's images take: a labelled photograph of one patient.
import type { Picture } from '../images/picture.js';
import type { Scene } from './synthetic/paint.js';

export const SPLITS = ['train', 'validation', 'heldout'] as const;
export type Split = (typeof SPLITS)[number];

/**
 * Clinical metadata: a column's value, undefined where it is missing. A column that the archive
 * doesn't have is absent.
 */
export type Clinical = Readonly<Record<string, string | number | undefined>>;

/** What a photograph is loaded from, as data that another thread can be given. */
export type Origin = { readonly file: string } | { readonly scene: Scene };

export interface Sample {
  /** Unique in its dataset: the image's stem (img_id without extension) for PAD-UFES-20. */
  readonly id: string;
  /** A name of the dataset's label set. */
  readonly label: string;
  /**
   * Splits, bootstrap intervals and partitions go by patient, never by image. Of HAM10000, which
   * names no patients, the lesion.
   */
  readonly patient: string;
  readonly split: Split;
  /** Fitzpatrick skin type I–VI as 1–6; undefined where it isn't recorded. */
  readonly fitzpatrick?: number | undefined;
  /**
   * Read only by a teacher that is trained beside the photographs; no student sees it, and it never
   * leaves the machine.
   */
  readonly clinical?: Clinical | undefined;
  /**
   * Changes when the photograph behind the id is replaced; undefined where that can't be. Features
   * of another revision aren't reused.
   */
  readonly revision?: string | undefined;
  /** Where a thread can load the photograph by itself: what `load` loads. */
  readonly origin?: Origin | undefined;
  /**
   * Decodes the photograph, upright.
   * @throws LENTIGO_DATA_IMAGE_UNREADABLE
   */
  load(): Promise<Picture>;
}

/** A row or file that can't be used, and why. */
export interface DataProblem {
  readonly id: string;
  readonly code: 'LENTIGO_DATA_IMAGE_MISSING' | 'LENTIGO_DATA_IMAGE_UNREADABLE';
  readonly message: string;
}

export interface Dataset {
  /** What a reader calls it: the folder, or the synthetic specification. */
  readonly name: string;
  readonly samples: readonly Sample[];
  readonly problems: readonly DataProblem[];
  /**
   * How many images of an archive aren't offered, by the reason: mostly a diagnosis that the label
   * set has no word for. Absent where there are none.
   */
  readonly leftOut?: Readonly<Record<string, number>> | undefined;
}
