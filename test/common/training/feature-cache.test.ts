import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FolderFeatureCache } from '../../../common/training/feature-cache.node.js';
import { type FeatureCache, MemoryFeatureCache } from '../../../common/training/feature-cache.js';

const folder = await mkdtemp(join(tmpdir(), 'lentigo-features-'));
afterAll(() => rm(folder, { recursive: true }));

const CACHES: readonly [string, (bytes: number) => Promise<FeatureCache>][] = [
  ['in memory', async (bytes) => new MemoryFeatureCache(bytes)],
  [
    'in a folder',
    async (bytes) => FolderFeatureCache.open(await mkdtemp(join(folder, 'cache-')), bytes),
  ],
];

describe.each(CACHES)('feature cache %s', (_, open) => {
  it('returns the features that it has, and undefined otherwise', async () => {
    const cache = await open(1000);
    await cache.set('features.6/0/a b/ç', Float32Array.of(1.5, -2, 1e-30));
    expect(await cache.get('features.6/0/a b/ç')).toEqual(Float32Array.of(1.5, -2, 1e-30));
    expect(await cache.get('features.6/1/a b/ç')).toBeUndefined();
  });

  it('keeps no more than its bound', async () => {
    const cache = await open(20);
    await cache.set('a', new Float32Array(4));
    await cache.set('b', new Float32Array(4));
    await cache.set('c', new Float32Array(1));
    expect(
      [await cache.get('a'), await cache.get('b'), await cache.get('c')].map((f) => f?.length),
    ).toEqual([4, undefined, 1]);
  });
});

describe('feature cache in a folder', () => {
  it('outlives its process, drops the remains of an interrupted write, and is readable by its owner only', async () => {
    const home = join(folder, 'kept');
    await (await FolderFeatureCache.open(home)).set('a', Float32Array.of(1, 2));
    await writeFile(join(home, 'x.part'), 'half');
    const again = await FolderFeatureCache.open(home);
    expect(await again.get('a')).toEqual(Float32Array.of(1, 2));
    const names = await readdir(home);
    expect(names).toHaveLength(1);
    expect((await stat(home)).mode & 0o777).toBe(0o700);
    expect((await stat(join(home, names[0]!))).mode & 0o777).toBe(0o600);
  });
});
