// Exports the photographs as a zip that the owner can read: images and metadata.csv, laid out like
// the published PAD-UFES-20.
import { stringify } from 'csv-stringify/browser/esm/sync';
import { strToU8, Zip, ZipPassThrough } from 'fflate';
import { METADATA } from '../../../common/dataset/pad-ufes.js';
import { PICTURE_TYPES } from '../../../common/images/file-type.js';
import type { Collection } from './collection.js';
import { FIELDS, type Photograph } from './photograph.js';

const EXTENSIONS = Object.fromEntries(
  Object.values(PICTURE_TYPES).map(({ mime, extension }) => [mime, extension]),
);
const fileName = ({ name, type }: Photograph): string => `${name}.${EXTENSIONS[type]}`;

/** The table of these photographs; `split` appears only if one of them has it. */
export function metadataCsv(photographs: readonly Photograph[]): string {
  const columns = FIELDS.filter(
    (field) => field !== 'split' || photographs.some((p) => p.fields.split !== undefined),
  );
  const rows = photographs.map((photograph) => {
    const { fields } = photograph;
    const split = fields.split ?? 'train';
    // The table's format requires a patient in every row.
    return {
      ...fields,
      ...(columns.includes('split') && { split }),
      patient_id: fields.patient_id ?? photograph.id,
      img_id: fileName(photograph),
    };
  });
  return stringify(rows, { header: true, columns: [...columns, 'img_id'] });
}

/**
 * Images aren't compressed again. One image is in memory at a time; the browser stores the zip
 * itself.
 */
export async function exportZip(collection: Collection): Promise<Blob> {
  const photographs = await collection.list();
  const parts: Blob[] = [];
  let failure: Error | undefined;
  const zip = new Zip((error, chunk) => {
    if (error) failure = error;
    else parts.push(new Blob([new Uint8Array(chunk)]));
  });
  const put = (name: string, bytes: Uint8Array) => {
    const file = new ZipPassThrough(name);
    zip.add(file);
    file.push(bytes, true);
  };
  const [labelled, unlabelled] = [
    photographs.filter((p) => p.fields.diagnostic !== undefined),
    photographs.filter((p) => p.fields.diagnostic === undefined),
  ];
  put(METADATA, strToU8(metadataCsv(labelled)));
  // In a separate file, because the table's format has no row without a diagnosis.
  if (unlabelled.length > 0) put('without-diagnosis.csv', strToU8(metadataCsv(unlabelled)));
  for (const photograph of photographs) {
    put(
      `images/${fileName(photograph)}`,
      new Uint8Array(await (await collection.image(photograph)).arrayBuffer()),
    );
  }
  zip.end();
  if (failure) throw failure;
  return new Blob(parts, { type: 'application/zip' });
}
