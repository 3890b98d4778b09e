// What a command that failed tells its user: paths that can't be used are the user's to correct, not
// bugs.
import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asLentigoError, LentigoError } from '../common/errors.js';
import { systemCode } from '../common/files/durable.node.js';
import { pathError } from '../common/files/path-error.node.js';

/** Any thrown value as the error that a command ends with. */
export function commandFailure(thrown: unknown): LentigoError {
  if (!(thrown instanceof Error)) return asLentigoError(thrown);
  const { path } = thrown as NodeJS.ErrnoException;
  const named = systemCode(thrown) === 'ERR_INVALID_ARG_VALUE' ? 'A path' : path;
  return asLentigoError(named === undefined ? thrown : pathError(named, thrown));
}

/**
 * The text of a file that was named to a command.
 * @throws LENTIGO_PATH
 */
export const readText = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((thrown: unknown) => {
    throw pathError(file, thrown);
  });

/**
 * Before work that ends in a file: whether it can be written.
 * @throws LENTIGO_PATH
 */
export async function requireWritable(file: string): Promise<void> {
  const found = await stat(file).catch((thrown: unknown) => {
    if (systemCode(thrown) !== 'ENOENT') throw pathError(file, thrown);
    return undefined;
  });
  if (found?.isDirectory())
    throw new LentigoError(
      'LENTIGO_PATH',
      `${file} can't be used: it is a folder, and a file is needed.`,
    );
  const needed = found ? file : dirname(file);
  await access(needed, constants.W_OK).catch((thrown: unknown) => {
    throw pathError(needed, thrown);
  });
}
