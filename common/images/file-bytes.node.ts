// A photograph's file as bytes, whole or its two ends; what the system says is put in words.
import { open, readFile, stat, type FileHandle } from 'node:fs/promises';
import { LentigoError } from '../errors.js';
import { systemCode } from '../files/durable.node.js';
import { unreadable } from './image-error.js';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
  ELOOP: 'it is a link that leads back to itself',
  ERR_FS_FILE_TOO_LARGE: 'the file is larger than 2 GB',
};

/** @throws LENTIGO_DATA_IMAGE_MISSING, LENTIGO_DATA_IMAGE_UNREADABLE */
async function reading<T>(path: string, read: (size: number) => Promise<T>): Promise<T> {
  try {
    // Reading a pipe would wait for ever.
    const found = await stat(path);
    if (!found.isFile())
      throw unreadable(path, found.isDirectory() ? 'it is a folder' : 'it is not a file');
    return await read(found.size);
  } catch (error) {
    if (error instanceof LentigoError) throw error;
    const code = systemCode(error) ?? '';
    if (code === 'ENOENT')
      throw new LentigoError('LENTIGO_DATA_IMAGE_MISSING', `${path} does not exist`, {
        cause: error,
      });
    throw unreadable(path, REASONS[code] ?? (error as Error).message, error);
  }
}

/**
 * The whole file.
 * @throws LENTIGO_DATA_IMAGE_MISSING, LENTIGO_DATA_IMAGE_UNREADABLE
 */
export const wholeFile = (path: string): Promise<Uint8Array> => reading(path, () => readFile(path));

/** Bytes of each end. */
const END = 64 * 1024;

/**
 * The first and the last 64 KiB, or the whole file as both where it is shorter.
 * @throws LENTIGO_DATA_IMAGE_MISSING, LENTIGO_DATA_IMAGE_UNREADABLE
 */
export const endsOfFile = (
  path: string,
): Promise<{ readonly head: Uint8Array; readonly tail: Uint8Array; readonly size: number }> =>
  reading(path, async (size) => {
    if (size <= 2 * END) {
      const all = await readFile(path);
      return { head: all, tail: all, size };
    }
    const file = await open(path);
    try {
      return { head: await part(file, 0), tail: await part(file, size - END), size };
    } finally {
      await file.close();
    }
  });

async function part(file: FileHandle, position: number): Promise<Uint8Array> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(END), 0, END, position);
  return buffer.subarray(0, bytesRead);
}
