// The common form of every archive's images: a labelled photograph of one patient.
import type { ImageCode } from '../images/image-error.js';
import type { Picture } from '../images/picture.js';
import type { Scene } from './synthetic/paint.js';

export const SPLITS = ['train', 'validation', 'heldout'] as const;
export type Split = (typeof SPLITS)[number];

/**
 * Clinical metadata: a column's value, undefined if it is missing. A column that the archive
 * doesn't have is absent.
 */
export type Clinical = Readonly<Record<string, string | number | undefined>>;

/** The source of a photograph, as data that can be sent to another thread. */
export type Origin = { readonly file: string } | { readonly scene: Scene };

export interface Sample {
  /** Unique in its dataset: for PAD-UFES-20 the image's stem (img_id without extension). */
  readonly id: string;
  /** One of the dataset's labels. */
  readonly label: string;
  /**
   * Splits, bootstrap intervals and partitions go by patient, never by image. For HAM10000, which
   * doesn't identify patients, this is the lesion.
   */
  readonly patient: string;
  readonly split: Split;
  /** Fitzpatrick skin type I–VI as 1–6; undefined where it isn't recorded. */
  readonly fitzpatrick?: number | undefined;
  /**
   * Read only by a teacher trained on metadata beside the photographs; no student sees it, and it
   * never leaves the machine.
   */
  readonly clinical?: Clinical | undefined;
  /**
   * Changes when the photograph with this id is replaced; undefined if that can't happen. Features
   * of another revision aren't reused.
   */
  readonly revision?: string | undefined;
  /** Where another thread can load the photograph that `load` loads. */
  readonly origin?: Origin | undefined;
  /**
   * Decodes the photograph, upright.
   * @throws LENTIGO_DATA_IMAGE_MISSING, LENTIGO_DATA_IMAGE_UNREADABLE, LENTIGO_DATA_IMAGE_FORMAT,
   *   LENTIGO_DATA_IMAGE_TOO_LARGE
   */
  load(): Promise<Picture>;
}

/** A row or file that can't be used, and why. */
export interface DataProblem {
  readonly id: string;
  readonly code: ImageCode;
  readonly message: string;
}

export interface Dataset {
  /** Name for readers: the folder, or the synthetic specification. */
  readonly name: string;
  readonly samples: readonly Sample[];
  readonly problems: readonly DataProblem[];
  /**
   * Number of an archive's images left out, by reason: mostly a diagnosis without a label in the
   * label set. Absent if there are none.
   */
  readonly leftOut?: Readonly<Record<string, number>> | undefined;
  /**
   * `table`: its table gives the splits; `drawn`: nothing did, so they were drawn for this reader
   * alone. Absent where they belong to the data in another way (synthetic:…, ?clinics=…).
   */
  readonly splits?: 'table' | 'drawn' | undefined;
  /** What else its owner should know, one sentence each. */
  readonly notes?: readonly string[] | undefined;
}
