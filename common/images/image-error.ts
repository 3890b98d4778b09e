// The errors that are about a single photograph: it is left out and named, the others go on.
import { asLentigoError, LentigoError, type ErrorCode } from '../errors.js';
import { identify, PICTURE_TYPES, type PictureType } from './file-type.js';
import { pictureSize, type PictureSize, tooLarge } from './picture-size.js';

export const IMAGE_CODES = [
  'LENTIGO_DATA_IMAGE_MISSING',
  'LENTIGO_DATA_IMAGE_AMBIGUOUS',
  'LENTIGO_DATA_IMAGE_UNREADABLE',
  'LENTIGO_DATA_IMAGE_FORMAT',
  'LENTIGO_DATA_IMAGE_TOO_LARGE',
] as const satisfies readonly ErrorCode[];
export type ImageCode = (typeof IMAGE_CODES)[number];

/**
 * What is wrong with the photograph.
 * @throws what was thrown, if it is about anything else
 */
export function imageError(thrown: unknown): { code: ImageCode; message: string } {
  const { code, message } = asLentigoError(thrown);
  const known = IMAGE_CODES.find((each) => each === code);
  if (!known) throw thrown;
  return { code: known, message };
}

export const unreadable = (name: string, reason: string, cause?: unknown): LentigoError =>
  new LentigoError('LENTIGO_DATA_IMAGE_UNREADABLE', `${name} can't be read: ${reason}`, { cause });

/**
 * Checks that a file is a picture that can be decoded, by its header alone.
 * @param bytes the whole file, or a beginning that holds its header
 * @param name what errors call it
 * @throws LENTIGO_DATA_IMAGE_UNREADABLE when it is empty, no picture, or cut within its header;
 *   LENTIGO_DATA_IMAGE_FORMAT for a picture or document of another format;
 *   LENTIGO_DATA_IMAGE_TOO_LARGE
 */
export function checkHeader(
  bytes: Uint8Array,
  name: string,
): { readonly type: PictureType; readonly size: PictureSize } {
  if (bytes.length === 0) throw unreadable(name, 'the file is empty');
  const file = identify(bytes);
  if (file.type === undefined) {
    if (file.is === undefined) throw unreadable(name, 'it is not a picture');
    throw new LentigoError('LENTIGO_DATA_IMAGE_FORMAT', `${name} is ${file.is}`);
  }
  const size = pictureSize(bytes, file.type);
  if (!size)
    throw unreadable(name, `this ${PICTURE_TYPES[file.type].name} is cut short or damaged`);
  const reason = tooLarge(size);
  if (reason !== undefined)
    throw new LentigoError('LENTIGO_DATA_IMAGE_TOO_LARGE', `${name} is too large: ${reason}`);
  return { type: file.type, size };
}
