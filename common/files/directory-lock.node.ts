// One process per directory: a second one on the same data directory or clinic home would lose or
// repeat work.
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LentigoError } from '../errors.js';
import { makeFolders, systemCode, writeError } from './durable.node.js';

/**
 * A process that holds, or held, the lock. `started` distinguishes it from a later process with the
 * same number, where the system tells (Linux).
 */
interface Holder {
  readonly pid: number;
  readonly started: string;
}

/** Boot and clock tick at which a process started; '' if /proc doesn't tell. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, the command in parentheses, may contain anything, so fields are counted
    // from behind it.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${ticks}`;
  } catch {
    return '';
  }
}

function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    if (systemCode(thrown) !== 'EPERM') return false;
  }
  const now = startOf(pid);
  return started === '' || now === '' || started === now;
}

/** The process that a lock file names; null if the file is gone, or wasn't written by us. */
function holderIn(file: string): Holder | null {
  try {
    const [pid, started] = readFileSync(file, 'utf8').trim().split(' ');
    return Number(pid) > 0 ? { pid: Number(pid), started: started ?? '' } : null;
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return null;
    throw thrown;
  }
}

/** Creates `file` as a hard link to `from`, atomically. Returns false if it exists already. */
function linkNew(from: string, file: string): boolean {
  try {
    linkSync(from, file);
    return true;
  } catch (thrown) {
    if (systemCode(thrown) === 'EEXIST') return false;
    throw thrown;
  }
}

/**
 * Locks a directory for this process until the returned function is called or the process ends. It
 * takes over the lock of a process that was killed. It doesn't see processes on other machines, or
 * in containers with their own process numbers.
 * @throws LENTIGO_DATA_DIR_IN_USE naming the process that holds it; LENTIGO_DISK_FULL
 */
export function lockDirectory(directory: string): () => void {
  makeFolders(directory);
  const file = join(directory, 'lock');
  const own = join(directory, `lock.${process.pid}`);
  const caught = `${own}.caught`;
  try {
    writeFileSync(own, `${process.pid} ${startOf(process.pid)}\n`, { mode: 0o600 });
    while (!linkNew(own, file)) {
      refuseIfAlive(directory, holderIn(file));
      // If two processes find the same stale lock, the later one may have moved the earlier one's
      // new lock here: then it puts it back.
      try {
        renameSync(file, caught);
      } catch (thrown) {
        if (systemCode(thrown) === 'ENOENT') continue;
        throw thrown;
      }
      const holder = holderIn(caught);
      if (holder && isAlive(holder)) linkNew(caught, file);
      refuseIfAlive(directory, holder);
    }
  } catch (thrown) {
    throw writeError(own, thrown);
  } finally {
    rmSync(own, { force: true });
    rmSync(caught, { force: true });
  }
  let held = true;
  return () => {
    if (held) rmSync(file, { force: true });
    held = false; // a second call must not remove the lock of whoever came next
  };
}

function refuseIfAlive(directory: string, holder: Holder | null): void {
  if (holder && isAlive(holder))
    throw new LentigoError(
      'LENTIGO_DATA_DIR_IN_USE',
      `${directory} is in use by process ${holder.pid}.`,
    );
}
