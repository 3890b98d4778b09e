// The folder that a long piece of work writes its results into, and carries on in: what it keeps
// for that lies in `state`.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LentigoError } from '../errors.js';
import { makeFolder, systemCode } from './durable.node.js';

/** Where in its folder of results a piece of work keeps what it needs to carry on. */
export const stateFolder = (out: string): string => join(out, 'state');

/**
 * What the folder `out` keeps in state/`file`; undefined where it is new or empty, and is taken
 * now. It exists, and is locked (directory-lock.node.ts).
 * @param whose 'simulation', 'distillation', …: for the message
 * @throws LENTIGO_USAGE it holds other files
 */
export async function claimOutput(
  out: string,
  whose: string,
  file: string,
): Promise<string | undefined> {
  try {
    return await readFile(join(stateFolder(out), file), 'utf8');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  const foreign = (await readdir(out)).find((name) => name !== 'state' && !name.startsWith('lock'));
  if (foreign !== undefined)
    throw new LentigoError(
      'LENTIGO_USAGE',
      `--out ${out} holds ${foreign}, which is no ${whose}'s; give a new or empty folder`,
    );
  await makeFolder(stateFolder(out));
  return undefined;
}
