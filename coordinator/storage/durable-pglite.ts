// PGlite on files that really are flushed: PGlite runs PostgreSQL with fsync off, and its file
// layer answers a flush without doing one.
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';
import { syncFile, syncFolder } from '../../common/files/durable.node.js';

/**
 * EIO as WASI numbers it. PostgreSQL stops (PANIC) when its log can't be flushed, and recovers at
 * the next start.
 */
const EIO = 29;

/** An open file of Emscripten's NODEFS; `nfd` is its descriptor here, which folders don't have. */
interface OpenFile {
  readonly nfd?: number;
  readonly node: unknown;
}
interface NodeFiles {
  readonly stream_ops: { fsync?: (file: OpenFile) => number };
  readonly realPath: (node: unknown) => string;
}

/** PGlite's files in a folder of this machine, whose fsync reaches the disk. */
class FlushedFiles extends NodeFS {
  override async init(...args: Parameters<NodeFS['init']>): ReturnType<NodeFS['init']> {
    const { emscriptenOpts } = await super.init(...args);
    const flushing = (module: object) => {
      const { NODEFS } = module as { NODEFS: NodeFiles };
      NODEFS.stream_ops.fsync = (file) => {
        try {
          if (file.nfd !== undefined) fsyncSync(file.nfd);
          else flushFolder(NODEFS.realPath(file.node));
          return 0;
        } catch (cause) {
          throw Object.assign(new Error('the flush failed', { cause }), {
            name: 'ErrnoError',
            errno: EIO,
          });
        }
      };
    };
    return {
      emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), flushing] },
    };
  }
}

function flushFolder(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Opens a database that PGlite made: from here on a commit is answered when its log is on the disk.
 * (fdatasync, PostgreSQL's own choice, stays without effect in PGlite.)
 */
export const openFlushed = (folder: string): Promise<PGlite> =>
  PGlite.create({
    fs: new FlushedFiles(folder),
    startParams: [
      ...PGlite.defaultStartParams.filter((flag) => flag !== '-F'),
      '-c',
      'wal_sync_method=fsync',
    ],
  });

/** Flushes all files and folders in a folder: what made them did not. */
export async function flushTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await flushTree(path);
    else if (entry.isFile()) await syncFile(path);
  }
  await syncFolder(folder);
}
