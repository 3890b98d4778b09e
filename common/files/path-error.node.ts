// What the file system says of a path that a user named, in words.
import { LentigoError } from '../errors.js';
import { isFull, systemCode, writeError } from './durable.node.js';

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

/**
 * LENTIGO_PATH, or LENTIGO_DISK_FULL, with the path as the user named it; what was thrown where
 * that says nothing of the path.
 */
export function pathError(path: string, thrown: unknown): unknown {
  if (isFull(thrown)) return writeError(path, thrown);
  const why = PATHS[systemCode(thrown) ?? ''];
  return why === undefined
    ? thrown
    : new LentigoError('LENTIGO_PATH', `${path} can't be used: ${why}.`, { cause: thrown });
}
