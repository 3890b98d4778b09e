// How large a picture will be, read from its file's header before any memory is taken; what is too
// large; and to what size the largest are reduced.
import type { PictureType } from './file-type.js';

export interface PictureSize {
  /** Pixels, as stored: before an EXIF orientation turns them. */
  readonly width: number;
  readonly height: number;
  /** Whether a decoder has to hold the whole picture, and can't go through it line by line. */
  readonly whole: boolean;
}

/** 200 megapixels of today's phones pass (16,320 × 12,240); no decompression bomb does. */
const MOST_PIXELS = 256_000_000;
/** The same for files that a decoder can't go through line by line. */
const MOST_WHOLE = 128_000_000;
/**
 * Pictures of more pixels are reduced as they are decoded, so that no photograph takes more than 50
 * MB; it is also the largest canvas of an iPhone.
 */
const KEPT_PIXELS = 4096 * 4096;

/** Why this picture is refused; undefined if it is not. */
export function tooLarge({ width, height, whole }: PictureSize): string | undefined {
  const most = whole ? MOST_WHOLE : MOST_PIXELS;
  if (width * height <= most) return undefined;
  const count = (n: number) => n.toLocaleString('en', { maximumFractionDigits: 0 });
  return `it has ${count(width)} × ${count(height)} pixels, ${count((width * height) / 1e6)} megapixels; at most ${count(most / 1e6)} are read${whole ? ' of a file that has to be decoded in one piece (progressive, interlaced, WebP, AVIF or HEIC)' : ''}`;
}

/**
 * The width to which a picture is reduced, its height in proportion; undefined if it keeps its
 * size. The same whichever side is up, since a browser turns it before it reduces it.
 */
export function reducedWidth({
  width,
  height,
}: Pick<PictureSize, 'width' | 'height'>): number | undefined {
  if (width * height <= KEPT_PIXELS) return undefined;
  const elongation = Math.max(width, height) / Math.min(width, height);
  return Math.max(1, Math.floor(Math.sqrt(KEPT_PIXELS / elongation)));
}

/** Undefined where the header is cut short or makes no sense. */
export function pictureSize(bytes: Uint8Array, type: PictureType): PictureSize | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const size = READERS[type](view);
    return size && size.width > 0 && size.height > 0 ? size : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const READERS: Record<PictureType, (view: DataView) => PictureSize | undefined> = {
  png: (view) => ({
    width: view.getUint32(16),
    height: view.getUint32(20),
    whole: view.getUint8(28) !== 0,
  }),
  jpeg: jpegSize,
  webp: webpSize,
  avif: heifSize,
  heic: heifSize,
};

/** Where the first such marker stands, going from marker to marker through the header. */
function jpegMarker(view: DataView, is: (marker: number) => boolean): number | undefined {
  for (let at = 2; ;) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (is(marker)) return at;
    // Fill bytes, and markers without content.
    if (marker === 0xff) at++;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else if (marker === 0xd9 || marker === 0xda) return undefined;
    else at += 2 + view.getUint16(at + 2);
  }
}

function jpegSize(view: DataView): PictureSize | undefined {
  const at = jpegMarker(
    view,
    (marker) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker),
  );
  return at === undefined
    ? undefined
    : {
        width: view.getUint16(at + 7),
        height: view.getUint16(at + 5),
        // SOF2 and its kin are progressive.
        whole: (view.getUint8(at + 1) & 3) === 2,
      };
}

/** Where a JPEG's pixels begin: its end comes after that, a thumbnail's before. */
export const jpegScan = (bytes: Uint8Array): number =>
  jpegMarker(
    new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    (marker) => marker === 0xda,
  ) ?? 0;

function webpSize(view: DataView): PictureSize | undefined {
  const uint24 = (at: number) => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
  switch (view.getUint32(12)) {
    case 0x56503858: // VP8X
      return { width: uint24(24) + 1, height: uint24(27) + 1, whole: true };
    case 0x56503820: // "VP8 "
      return {
        width: view.getUint16(26, true) & 0x3fff,
        height: view.getUint16(28, true) & 0x3fff,
        whole: true,
      };
    case 0x5650384c: {
      // VP8L
      const bits = view.getUint32(21, true);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1, whole: true };
    }
    default:
      return undefined;
  }
}

/** The largest of the sizes that the file declares (`ispe`); the others are tiles and thumbnails. */
function heifSize(view: DataView): PictureSize | undefined {
  let largest: PictureSize | undefined;
  for (let box = 0; box + 8 <= view.byteLength;) {
    const length = view.getUint32(box);
    if (view.getUint32(box + 4) === 0x6d657461) {
      const end = Math.min(view.byteLength, box + length) - 16;
      for (let at = box + 8; at <= end; at++)
        if (view.getUint32(at) === 0x69737065) {
          const [width, height] = [view.getUint32(at + 8), view.getUint32(at + 12)];
          if (width * height > (largest ? largest.width * largest.height : 0))
            largest = { width, height, whole: true };
        }
    }
    // 0 goes to the file's end; 1 is a box of more than 4 GB.
    if (length < 8) break;
    box += length;
  }
  return largest;
}
