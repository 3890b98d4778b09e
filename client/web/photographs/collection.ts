// The clinic's photographs in the vault: added after the quality checks, listed, described,
// deleted.
import { sha256Hex, utf8 } from '../../../common/crypto/bytes.js';
import { LentigoError } from '../../../common/errors.js';
import { openBitmap } from '../../../common/images/decode.web.js';
import { identify, PICTURE_TYPES } from '../../../common/images/file-type.js';
import { judgeQuality, measureQuality } from '../../../common/images/quality.js';
import type { LabelSet } from '../../../common/model/labels.js';
import type { Store } from '../../participation/store.js';
import type { SampleRow } from '../training/messages.js';
import { pixelsOf, thumbnailOf } from './decode.js';
import { type Fields, labelIn, Photograph, withoutEmpty } from './photograph.js';

const RECORDS = 'photographs';
/** Folder of the features computed in training; their names begin with the photograph's id. */
export const FEATURES = 'features';
const imageName = (id: string) => `images/${id}`;
const thumbnailName = (id: string) => `thumbnails/${id}`;

export class Collection {
  readonly #store: Store;
  constructor(store: Store) {
    this.#store = store;
  }

  /** Ordered by the time they were added. */
  async list(): Promise<Photograph[]> {
    const names = await this.#store.list(RECORDS);
    const all = await Promise.all(names.map((name) => this.#record(name)));
    return all
      .filter((p) => p !== undefined)
      .sort((a, b) => (a.added < b.added ? -1 : a.added > b.added ? 1 : a.name < b.name ? -1 : 1));
  }

  /**
   * Examines a photograph without keeping it. HEIC has become JPEG before (heic.ts).
   * @throws LENTIGO_DATA_IMAGE_UNREADABLE, LENTIGO_DATA_IMAGE_FORMAT, LENTIGO_DATA_IMAGE_TOO_LARGE
   */
  async examine(image: Blob, name: string): Promise<Examined> {
    const { bitmap, size } = await openBitmap(image, name);
    try {
      const bytes = new Uint8Array(await image.arrayBuffer());
      const turned = bitmap.width > bitmap.height !== size.width > size.height;
      const [width, height] = turned ? [size.height, size.width] : [size.width, size.height];
      const measures = { ...measureQuality(pixelsOf(bitmap, 640)), side: Math.min(width, height) };
      return {
        bytes,
        type: PICTURE_TYPES[identify(bytes).type!].mime,
        sha256: await sha256Hex(bytes),
        width,
        height,
        thumbnail: await thumbnailOf(bitmap),
        quality: judgeQuality(measures),
      };
    } finally {
      bitmap.close();
    }
  }

  /**
   * Adds a photograph. The record is written last, so that it is there whole or not at all.
   * @throws LENTIGO_DISK_FULL
   */
  async add(
    { bytes, thumbnail, ...found }: Examined,
    name: string,
    fields: Fields,
  ): Promise<Photograph> {
    const photograph: Photograph = {
      id: crypto.randomUUID(),
      name,
      bytes: bytes.length,
      added: new Date().toISOString(),
      ...found,
      fields: withoutEmpty(fields),
    };
    await this.#write(photograph, bytes, thumbnail);
    return photograph;
  }

  async describe(photograph: Photograph, fields: Fields): Promise<Photograph> {
    const described = { ...photograph, fields: withoutEmpty(fields) };
    await this.#save(described);
    return described;
  }

  /** Fills in these fields of each photograph; what is not among them stays as it was. */
  async describeAll(photographs: readonly Photograph[], fields: Fields): Promise<void> {
    for (const photograph of photographs)
      await this.describe(photograph, { ...photograph.fields, ...withoutEmpty(fields) });
  }

  /**
   * Puts another picture in the place of a photograph, such as a part of it. The old one goes last,
   * so that one of the two is always there.
   */
  async replace(
    photograph: Photograph,
    { bytes, thumbnail, ...found }: Examined,
  ): Promise<Photograph> {
    const { name, fields, added } = photograph;
    const replaced = {
      id: crypto.randomUUID(),
      name,
      fields,
      added,
      bytes: bytes.length,
      ...found,
    };
    await this.#write(replaced, bytes, thumbnail);
    await this.remove(photograph);
    return replaced;
  }

  async remove({ id }: Photograph): Promise<void> {
    await this.#store.remove(`${RECORDS}/${id}`);
    await this.#store.remove(thumbnailName(id));
    await this.#store.remove(imageName(id));
    for (const name of await this.#store.list(FEATURES))
      if (name.startsWith(id)) await this.#store.remove(`${FEATURES}/${name}`);
  }

  /**
   * The photograph's bytes.
   * @throws LENTIGO_DATA_IMAGE_MISSING
   */
  async image({ id, name, type }: Photograph): Promise<Blob> {
    const bytes = await this.#store.read(imageName(id));
    if (!bytes)
      throw new LentigoError(
        'LENTIGO_DATA_IMAGE_MISSING',
        `The photograph ${name} is no longer here.`,
      );
    return new Blob([bytes], { type });
  }

  async thumbnail({ id }: Photograph): Promise<Blob | undefined> {
    const bytes = await this.#store.read(thumbnailName(id));
    return bytes && new Blob([bytes], { type: 'image/jpeg' });
  }

  async #record(name: string): Promise<Photograph | undefined> {
    const bytes = await this.#store.read(`${RECORDS}/${name}`);
    return bytes && Photograph.parse(JSON.parse(new TextDecoder().decode(bytes)));
  }
  async #write(photograph: Photograph, bytes: Uint8Array, thumbnail: Uint8Array): Promise<void> {
    await this.#store.write(imageName(photograph.id), bytes);
    await this.#store.write(thumbnailName(photograph.id), thumbnail);
    await this.#save(photograph);
  }
  async #save(photograph: Photograph): Promise<void> {
    await this.#store.write(`${RECORDS}/${photograph.id}`, utf8(JSON.stringify(photograph)));
  }
}

/** A photograph that was examined but not yet kept. */
export interface Examined extends Pick<
  Photograph,
  'type' | 'sha256' | 'width' | 'height' | 'quality'
> {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly thumbnail: Uint8Array<ArrayBuffer>;
}

/**
 * A training photograph as a sample, with the study's label; its pixels are requested by its id.
 */
export const sampleOf = ({ id, fields }: Photograph, labels: LabelSet): SampleRow => ({
  id,
  label: labelIn(fields, labels)!,
  patient: fields.patient_id ?? id,
  split: 'train',
  fitzpatrick: fields.fitspatrick === undefined ? undefined : Number(fields.fitspatrick),
});
