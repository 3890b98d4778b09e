// What a file is, by its first bytes: extensions lie.

/** The formats that are read, at a command as in a browser. */
export const PICTURE_TYPES = {
  jpeg: { mime: 'image/jpeg', extension: 'jpg', name: 'JPEG' },
  png: { mime: 'image/png', extension: 'png', name: 'PNG' },
  webp: { mime: 'image/webp', extension: 'webp', name: 'WebP' },
  avif: { mime: 'image/avif', extension: 'avif', name: 'AVIF' },
  heic: { mime: 'image/heic', extension: 'heic', name: 'HEIC' },
} as const;
export type PictureType = keyof typeof PICTURE_TYPES;

/** Extensions of the formats that are read. */
const READ = /\.(png|jpe?g|jpe|jfif|webp|avif|hei[cf])$/i;
/** Extensions of pictures and documents that are not read, and are named. */
const NOT_READ =
  /\.(tiff?|bmp|gif|dcm|dicom|pdf|psd|svg|jxl|jp2|j2k|dng|cr2|cr3|crw|nef|nrw|arw|srf|sr2|orf|rw2|raf|pef|srw|raw|mov|mp4|heics)$/i;

export const isImageName = (name: string): boolean => READ.test(name);
/** Whether a file of this name can be meant by a table's row: what isn't read is said. */
export const isPictureName = (name: string): boolean => READ.test(name) || NOT_READ.test(name);
/** A file's name without a picture's extension, composed (NFC): it matches rows to images. */
export const stemOf = (name: string): string =>
  name.normalize('NFC').replace(isImageName(name) ? READ : NOT_READ, '');

const ascii = (bytes: Uint8Array, from: number, to: number): string =>
  String.fromCharCode(...bytes.subarray(from, to));

/** ISO media files: pictures and films, told apart by their brands. */
function brandOf(bytes: Uint8Array): string {
  const length = Math.min(bytes.length, 256, (bytes[2]! << 8) | bytes[3]!);
  const brands = [ascii(bytes, 8, 12)];
  for (let at = 16; at + 4 <= length; at += 4) brands.push(ascii(bytes, at, at + 4));
  if (brands.some((brand) => /^avi[fs]$/.test(brand))) return 'avif';
  if (brands.some((brand) => /^(hei[cxms]|hev[cxms]|mif1|msf1)$/.test(brand))) return 'heic';
  return brands[0] === 'crx ' ? 'a camera raw file (CR3)' : 'a film';
}

const RAW = 'a camera raw file';
const TIFF = 'a TIFF or a camera raw file';
/** Where which bytes stand (in hexadecimal), and what that is. The first that fits counts. */
const SIGNATURES: readonly (readonly [at: number, bytes: string, is: string])[] = [
  [0, '89504e470d0a1a0a', 'png'],
  [0, 'ffd8ff', 'jpeg'],
  [8, '57454250', 'webp'],
  [0, '47494638', 'a GIF'],
  [6, '00000000', 'a BMP'],
  [8, '4352', RAW],
  [0, '4949524f', RAW],
  [0, '49495500', RAW],
  [0, '46554a4946494c4d', RAW],
  [0, '49492a00', TIFF],
  [0, '49492b00', TIFF],
  [0, '4d4d002a', TIFF],
  [0, '4d4d002b', TIFF],
  [0, '25504446', 'a PDF'],
  [128, '4449434d', 'a DICOM file'],
  [0, '38425053', 'a Photoshop file'],
  [0, 'ff0a', 'a JPEG XL'],
  [0, '0000000c4a584c20', 'a JPEG XL'],
  [0, '0000000c6a502020', 'a JPEG 2000'],
  [0, 'ff4fff51', 'a JPEG 2000'],
  [0, '504b0304', 'a zip archive or an Office file'],
  [0, '1f8b', 'a gzip archive'],
  [0, '00051607', 'the resource fork of a Mac (AppleDouble), not the photograph itself'],
  [0, '00051600', 'the resource fork of a Mac (AppleDouble), not the photograph itself'],
];
/** Signatures that mean nothing without this beginning. */
const BEGINS: Readonly<Record<string, RegExp>> = {
  webp: /^RIFF/,
  'a BMP': /^BM/,
  [RAW]: /^(II|MM|FUJI)/,
};

const TEXTS: readonly (readonly [begins: RegExp, is: string])[] = [
  [/^version https:\/\/git-lfs/, 'a pointer of Git LFS, not the photograph itself (git lfs pull)'],
  [
    /^[./]*(git\/)?annex\/objects/,
    'a pointer of git-annex, not the photograph itself (git annex get)',
  ],
  [/^\s*<(\?xml[^>]*>\s*<)?(!--[^]*?--\s*>\s*<)?svg/i, 'an SVG drawing'],
  [/^\s*<(!doctype\s+html|html)/i, 'a web page'],
];

export type FileType =
  | { readonly type: PictureType }
  /** `is` is undefined for bytes that nobody knows. */
  | { readonly type?: undefined; readonly is: string | undefined };

/** @param bytes the file, or its beginning: 512 bytes are enough */
export function identify(bytes: Uint8Array): FileType {
  const start = ascii(bytes, 0, 512);
  const stands = (at: number, signature: string) =>
    Array.from(bytes.subarray(at, at + signature.length / 2), (byte) =>
      byte.toString(16).padStart(2, '0'),
    ).join('') === signature;
  const found = start.startsWith('ftyp', 4)
    ? brandOf(bytes)
    : (SIGNATURES.find(
        ([at, signature, is]) => stands(at, signature) && (BEGINS[is]?.test(start) ?? true),
      )?.[2] ?? TEXTS.find(([begins]) => begins.test(start))?.[1]);
  if (found !== undefined && found in PICTURE_TYPES) return { type: found as PictureType };
  return { is: found };
}
