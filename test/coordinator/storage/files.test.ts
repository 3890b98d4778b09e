import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { Blobs } from '../../../coordinator/storage/blobs.js';
import { lockDirectory } from '../../../common/files/directory-lock.node.js';
import { writeDurably } from '../../../common/files/durable.node.js';
import { Keys } from '../../../coordinator/storage/keys.js';
import { SealedUpdates } from '../../../coordinator/storage/sealed.js';
import { smallDisk, temporaryFolder } from './databases.js';

const folders: string[] = [];
let dataDir: string;
beforeEach(() => {
  dataDir = temporaryFolder();
  folders.push(dataDir);
});
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const mode = (path: string) => statSync(path).mode & 0o777;
/** Every file below a folder, relative to it. */
const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((f) => f.isFile())
    .map((f) => join(f.parentPath, f.name).slice(folder.length + 1))
    .sort();

describe('blobs', () => {
  it('give back the bytes that were put', async () => {
    const blobs = await Blobs.in(dataDir);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
        const ref = await blobs.put(bytes);
        expect(ref).toEqual({ sha256: hash(bytes), bytes: bytes.length });
        expect(await blobs.ref(ref.sha256)).toEqual(ref);
        expect(new Uint8Array(await blobs.read(ref.sha256))).toEqual(bytes);
      }),
      { numRuns: 20 },
    );
  });

  it('are stored once, whether from memory, from a stream or from a file', async () => {
    const blobs = await Blobs.in(dataDir);
    const bytes = randomBytes(3_000_000);
    const upload = join(dataDir, 'upload');
    writeFileSync(upload, bytes);
    const refs = [
      await blobs.put(bytes),
      await blobs.put(Readable.from([bytes.subarray(0, 10), bytes.subarray(10)])),
      await blobs.adopt(upload),
    ];
    expect(new Set(refs.map((ref) => JSON.stringify(ref)))).toEqual(
      new Set([JSON.stringify({ sha256: hash(bytes), bytes: bytes.length })]),
    );
    expect(filesIn(dataDir)).toEqual([join('blobs', hash(bytes).slice(0, 2), hash(bytes))]);
    expect(await blobs.has(hash(bytes))).toBe(true);
  });

  it('leave nothing behind when the stream breaks off, or when the process was killed while writing', async () => {
    const blobs = await Blobs.in(dataDir);
    const breaking = async function* () {
      yield randomBytes(1000);
      throw new Error('connection lost');
    };
    await expect(blobs.put(breaking())).rejects.toThrow('connection lost');
    expect(filesIn(dataDir)).toEqual([]);
    writeFileSync(join(dataDir, 'blobs', 'new', 'half'), 'half');
    await Blobs.in(dataDir);
    expect(filesIn(dataDir)).toEqual([]);
  });

  it('name a corrupt one, and are mended by putting the bytes again', async () => {
    const blobs = await Blobs.in(dataDir);
    const bytes = randomBytes(100);
    const { sha256 } = await blobs.put(bytes);
    const altered = Buffer.from(bytes);
    altered[50]! ^= 1;
    writeFileSync(blobs.path(sha256), altered);
    await expect(blobs.read(sha256)).rejects.toMatchObject({ code: 'LENTIGO_BLOB_CORRUPT' });
    await blobs.put(bytes);
    expect(Buffer.from(await blobs.read(sha256))).toEqual(bytes);
  });

  it('refuse what they do not hold, and what is no hash', async () => {
    const blobs = await Blobs.in(dataDir);
    for (const name of ['0'.repeat(64), '../../etc/passwd', '']) {
      expect(await blobs.has(name)).toBe(false);
      await expect(blobs.read(name)).rejects.toMatchObject({ code: 'LENTIGO_BLOB_UNKNOWN' });
    }
  });
});

const disk = smallDisk(1);
afterAll(() => disk?.unmount());

describe.skipIf(disk === undefined)('a full disk (root only: mounts a small one)', () => {
  it('is named by who would lock a folder on it', () => {
    disk!.fill(0);
    expect(() => lockDirectory(disk!.folder)).toThrow(
      expect.objectContaining({ code: 'LENTIGO_DISK_FULL' }) as Error,
    );
    expect(filesIn(disk!.folder)).toEqual(['ballast']);
    disk!.free();
  });

  it('is named, nothing half-written stays, and what was stored before is intact', async () => {
    const small = disk!.folder;
    const blobs = await Blobs.in(small);
    const sealed = new SealedUpdates(small);
    const kept = await blobs.put(randomBytes(100_000));
    await writeDurably(join(small, 'file'), 'the old text');
    await sealed.saveKey('attempt', randomBytes(32));
    disk!.fill(200_000);
    const before = filesIn(small);
    await expect(blobs.put(randomBytes(400_000))).rejects.toMatchObject({
      code: 'LENTIGO_DISK_FULL',
      message: expect.stringContaining(small) as string,
    });
    await expect(writeDurably(join(small, 'file'), randomBytes(400_000))).rejects.toMatchObject({
      code: 'LENTIGO_DISK_FULL',
    });
    await expect(sealed.saveKey('attempt', randomBytes(400_000))).rejects.toMatchObject({
      code: 'LENTIGO_DISK_FULL',
    });
    expect(filesIn(small)).toEqual(before);
    expect(readFileSync(join(small, 'file'), 'utf8')).toBe('the old text');
    expect(await sealed.loadKey('attempt')).toHaveLength(32);
    expect((await blobs.read(kept.sha256)).length).toBe(kept.bytes);
  });
});

describe('sealed updates', () => {
  const attempt = '01994f3c-0000-7000-8000-000000000001';
  const clinic = 'a'.repeat(32);

  it('keep the key of a round for the owner alone, until the round is forgotten', async () => {
    const sealed = new SealedUpdates(dataDir);
    await expect(sealed.loadKey(attempt)).rejects.toMatchObject({ code: 'LENTIGO_ROUND_UNKNOWN' });
    const key = new Uint8Array(randomBytes(32));
    await sealed.saveKey(attempt, key);
    expect(mode(join(dataDir, 'rounds', attempt, 'key'))).toBe(0o600);
    expect(mode(join(dataDir, 'rounds', attempt))).toBe(0o700);
    expect(await new SealedUpdates(dataDir).loadKey(attempt)).toEqual(key);
    expect(await sealed.attempts()).toEqual([attempt]);
    await sealed.forget(attempt);
    await sealed.forget(attempt);
    await expect(sealed.loadKey(attempt)).rejects.toMatchObject({ code: 'LENTIGO_ROUND_UNKNOWN' });
    expect(filesIn(dataDir)).toEqual([]);
    expect(await sealed.attempts()).toEqual([]);
  });

  it('move an upload to its place, over what a killed process left there', async () => {
    const sealed = new SealedUpdates(dataDir);
    mkdirSync(dirname(sealed.path(attempt, clinic)), { recursive: true });
    writeFileSync(sealed.path(attempt, clinic), 'never recorded');
    const upload = join(dataDir, 'upload');
    writeFileSync(upload, 'sealed bytes');
    await sealed.adopt(attempt, clinic, upload);
    expect(existsSync(upload)).toBe(false);
    expect(await sealed.has(attempt, clinic)).toBe(true);
    expect(await sealed.has(attempt, 'b'.repeat(32))).toBe(false);
    expect(readFileSync(sealed.path(attempt, clinic), 'utf8')).toBe('sealed bytes');
  });
});

describe('keys', () => {
  it('are made once, and are for the owner alone', async () => {
    const keys = new Keys(dataDir);
    const [token, ticket] = [await keys.adminToken(), await keys.ticketKey()];
    const secret = new Uint8Array(randomBytes(64));
    await keys.saveStudyKey('study', secret);
    const again = new Keys(dataDir);
    expect(await again.adminToken()).toBe(token);
    expect(await again.ticketKey()).toEqual(ticket);
    expect(await again.studyKey('study')).toEqual(secret);
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(ticket).toHaveLength(32);
    expect(readFileSync(join(dataDir, 'admin-token'), 'utf8')).toBe(`${token}\n`);
    expect(filesIn(dataDir).map((file) => mode(join(dataDir, file)))).toEqual([
      0o600, 0o600, 0o600,
    ]);
    await expect(keys.studyKey('another')).rejects.toMatchObject({ code: 'LENTIGO_STUDY_UNKNOWN' });
  });
});
