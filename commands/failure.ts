// What a command that failed tells its user: paths that can't be used are the user's to correct, not
// bugs.
import { readFile } from 'node:fs/promises';
import { asLentigoError, LentigoError } from '../common/errors.js';
import { isFull, systemCode, writeError } from '../common/files/durable.node.js';

/** What the file system's codes mean of the path that is named. */
const PATHS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'a file stands where a folder is needed',
  EEXIST: 'a file stands where a folder is needed',
  EISDIR: 'it is a folder, and a file is needed',
  ENOTEMPTY: 'the folder is not empty',
  EACCES: 'this user is not allowed to',
  EPERM: 'this user is not allowed to',
  EROFS: 'the disk can only be read',
  EBUSY: 'another program uses it',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'a link leads back to itself',
  EINVAL: 'no file can have such a name',
  ERR_INVALID_ARG_VALUE: 'no file can have such a name',
};

/** Any thrown value as the error that a command ends with. */
export function commandFailure(thrown: unknown): LentigoError {
  if (thrown instanceof LentigoError || !(thrown instanceof Error)) return asLentigoError(thrown);
  const { path } = thrown as NodeJS.ErrnoException;
  if (systemCode(thrown) === 'ERR_INVALID_ARG_VALUE')
    return pathError('A path', thrown) ?? asLentigoError(thrown);
  return (path === undefined ? undefined : pathError(path, thrown)) ?? asLentigoError(thrown);
}

/** What the system says of a path, in words; undefined where that says nothing of the path. */
function pathError(path: string, thrown: unknown): LentigoError | undefined {
  if (isFull(thrown)) return writeError(path, thrown) as LentigoError;
  const why = PATHS[systemCode(thrown) ?? ''];
  return why === undefined
    ? undefined
    : new LentigoError('LENTIGO_PATH', `${path} can't be used: ${why}.`, { cause: thrown });
}

/**
 * The text of a file that was named to a command.
 * @throws LENTIGO_PATH
 */
export const readText = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((thrown: unknown) => {
    throw pathError(file, thrown) ?? thrown;
  });
