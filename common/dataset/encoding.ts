// The text of a table's file, whatever its encoding: UTF-8, UTF-16 as Excel saves "Unicode text", or
// Windows-1252 as it saves CSV in western Europe and the Americas.
import { LentigoError } from '../errors.js';
import type { Notes } from './notes.js';

/** A file that can be read twice. */
export interface TableSource {
  /** What errors call it. */
  readonly name: string;
  open(): AsyncIterable<Uint8Array>;
}

/** The first bytes of what is no text, and how it is made one. */
const NO_TEXT: readonly (readonly [bytes: readonly number[], what: string])[] = [
  [[0x50, 0x4b, 0x03, 0x04], 'a file of Excel, LibreOffice or Numbers (or a zip)'],
  [[0xd0, 0xcf, 0x11, 0xe0], 'a file of an old Excel'],
  [[0x25, 0x50, 0x44, 0x46], 'a PDF'],
  [[0x1f, 0x8b], 'compressed (gzip)'],
];

/** @throws LENTIGO_DATA_METADATA_INVALID when the file is no text */
export async function* textOf(source: TableSource, notes: Notes): AsyncGenerator<string> {
  const encoding = await encodingOf(source);
  if (encoding === 'windows-1252')
    notes.say('the table is not in UTF-8: it was read as Windows-1252 (Latin-1)');
  const decoder = new TextDecoder(encoding);
  for await (const bytes of source.open()) yield decoder.decode(bytes, { stream: true });
  yield decoder.decode();
}

async function encodingOf(source: TableSource): Promise<string> {
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  let first = true;
  try {
    for await (const bytes of source.open()) {
      if (first) {
        const marked = wideEncoding(bytes);
        if (marked !== undefined) return marked;
        refuseBinary(bytes, source.name);
      }
      first = false;
      utf8.decode(bytes, { stream: true });
    }
    utf8.decode();
  } catch (error) {
    if (error instanceof TypeError) return 'windows-1252';
    throw error;
  }
  return 'utf-8';
}

/** UTF-16, by its mark or by the zero bytes of its first letters. */
function wideEncoding([a, b, c, d]: Uint8Array): string | undefined {
  if (a === 0xff && b === 0xfe) return 'utf-16le';
  if (a === 0xfe && b === 0xff) return 'utf-16be';
  if (a && b === 0 && c && d === 0) return 'utf-16le';
  if (a === 0 && b && c === 0 && d) return 'utf-16be';
  return undefined;
}

function refuseBinary(bytes: Uint8Array, file: string): void {
  const found = NO_TEXT.find(([magic]) => magic.every((byte, i) => bytes[i] === byte));
  const what = found?.[1] ?? (bytes.includes(0) ? 'no text' : undefined);
  if (what !== undefined)
    throw new LentigoError(
      'LENTIGO_DATA_METADATA_INVALID',
      `${file} is ${what}, not a CSV: open it in the program that wrote it, and save it as CSV (UTF-8)`,
    );
}
