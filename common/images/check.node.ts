// Whether a photograph's file can be read, without decoding it: its header, and whether its end is
// there. It finds what is empty, cut short, of another format, too large, or may not be read; damage
// within the pixels is found when it is decoded.
import { endsOfFile, wholeFile } from './file-bytes.node.js';
import { PICTURE_TYPES, type PictureType } from './file-type.js';
import { checkHeader, unreadable } from './image-error.js';
import { jpegScan } from './picture-size.js';

/** Whether a picture's end is among these bytes; true where the format does not mark it. */
const HAS_END: Readonly<Record<PictureType, (tail: Buffer) => boolean>> = {
  // Phones append films to it. In compressed pixels this never occurs.
  jpeg: (tail) => tail.includes('ffd9', 0, 'hex'),
  png: (tail) => tail.includes('IEND'),
  webp: () => true,
  avif: () => true,
  heic: () => true,
};

/**
 * Reads 128 KiB of it, and all only where these do not tell.
 * @throws what decodePicture throws
 */
export async function checkPicture(path: string): Promise<void> {
  const { head, tail, size } = await endsOfFile(path);
  if (head.length === size) check(head, tail, path);
  else if (!endsWell(head, tail, path)) {
    const all = await wholeFile(path);
    check(all, all, path);
  }
}

/** Whether the ends alone say that all is well. */
function endsWell(head: Uint8Array, tail: Uint8Array, path: string): boolean {
  try {
    check(head, tail, path);
    return true;
  } catch {
    return false;
  }
}

function check(head: Uint8Array, tail: Uint8Array, path: string): void {
  const { type } = checkHeader(head, path);
  const bytes = Buffer.from(tail.buffer, tail.byteOffset, tail.byteLength);
  // The thumbnail in a JPEG's header has an end of its own.
  const from = type === 'jpeg' && head === tail ? jpegScan(bytes) : 0;
  if (!HAS_END[type](bytes.subarray(from)))
    throw unreadable(path, `this ${PICTURE_TYPES[type].name} is cut short`);
}
