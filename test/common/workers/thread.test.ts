// Calls into a worker thread: their results and errors arrive, and a thread that died is replaced.
import { transfer } from 'comlink';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { LentigoError } from '../../../common/errors.js';
import { ServiceThread } from '../../../common/workers/thread.node.js';
import type { AddingService } from './adding-thread.js';

const SCRIPT = new URL('./adding-thread.js', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'lentigo-extensions-'));
const start = () => new ServiceThread<AddingService>('the adding thread', SCRIPT);
/** A thread that starts while an extension of this source is loaded. */
async function extendedBy(source: string): Promise<ServiceThread<AddingService>> {
  const path = join(folder, `${randomUUID()}.mjs`);
  await writeFile(path, source);
  vi.stubEnv('LENTIGO_EXTENSIONS', path);
  return start();
}
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rm(folder, { recursive: true }));
const thread = start();
afterAll(() => thread.close());

describe('a worker thread that answers calls', () => {
  it('answers each call with its own result', async () => {
    const sums = [1, 2, 3].map((n) => thread.call('add', n, 10));
    expect(await Promise.all(sums)).toEqual([11, 12, 13]);
  });

  it('is handed a buffer, and hands one over', async () => {
    const values = new Float32Array([1, 2]);
    const doubled = await thread.call('double', transfer(values, [values.buffer]));
    expect([...doubled]).toEqual([2, 4]);
    expect(values.length).toBe(0);
  });

  it('refuses with the code and message of the thread', async () => {
    const refusal = await thread.call('refuse', 'no image').catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(LentigoError);
    expect(refusal).toMatchObject({ code: 'LENTIGO_DATA_EMPTY', message: 'no image' });
  });

  it('reports any other error as internal, with the stack of the thread', async () => {
    await expect(thread.call('fail', 'no such thing')).rejects.toMatchObject({
      code: 'LENTIGO_INTERNAL',
      message: 'no such thing',
      cause: expect.stringMatching(/TypeError: no such thing\n.*adding-thread/) as string,
    });
  });

  it('does one job at a time where the service asks for it', async () => {
    const seen = await Promise.all([1, 2, 3].map(() => thread.call('underWay')));
    expect(seen).toEqual([1, 1, 1]);
  });

  it('rejects all that wait when the thread dies, and the next call finds another', async () => {
    const waiting = await Promise.allSettled([thread.call('die'), thread.call('add', 1, 1)]);
    for (const outcome of waiting)
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: {
          code: 'LENTIGO_INTERNAL',
          message: 'the adding thread ended before its job was done (the worker died: out of luck)',
        },
      });
    expect(await thread.call('add', 1, 1)).toBe(2);
  });

  it('rejects what closing cuts off, and starts again at the next call', async () => {
    const closing = start();
    const cut = expect(closing.call('die')).rejects.toThrow('it was closed');
    await closing.close();
    await cut;
    expect(await closing.call('add', 2, 2)).toBe(4);
    await closing.close();
  });

  it('is waited for by the process that closes it, also with a call under way', async () => {
    const program = `
      import('${new URL('../../../common/workers/thread.node.js', import.meta.url).href}')
        .then(async ({ ServiceThread }) => {
          const thread = new ServiceThread('it', new URL('${SCRIPT.href}'));
          thread.call('add', 1, 2).catch(() => undefined);
          await thread.call('add', 1, 2);
          thread.call('add', 1, 2).catch(() => undefined);
          await thread.close();
          console.log('closed');
        });`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', program], {
      timeout: 30_000,
    });
    expect(stdout).toBe('closed\n');
  });

  it('imports the modules that extend it before its first job', async () => {
    const extended = await extendedBy('globalThis.greeting = "good morning"');
    expect(await extended.call('greeting')).toBe('good morning');
    await extended.close();
  });

  it('refuses every call with the error of an extension that does not load', async () => {
    const broken = await extendedBy('throw new Error("a bad extension")');
    for (let again = 0; again < 2; again++)
      await expect(broken.call('add', 1, 1)).rejects.toThrow('a bad extension');
    await broken.close();
  });

  it('keeps no process alive when it has nothing to do', async () => {
    const program = `
      import('${new URL('../../../common/workers/thread.node.js', import.meta.url).href}')
        .then(({ ServiceThread }) => new ServiceThread('it', new URL('${SCRIPT.href}')).call('add', 1, 2))
        .then(console.log);`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', program], {
      timeout: 30_000,
    });
    expect(stdout).toBe('3\n');
  });
});
