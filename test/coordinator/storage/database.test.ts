import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../coordinator/storage/database.js';
import { lockDirectory } from '../../../common/files/directory-lock.node.js';
import { migrate, packagedMigrations } from '../../../coordinator/storage/migrate.js';
import { Store } from '../../../coordinator/storage/store.js';
import {
  copyOf,
  smallDisk,
  startServer,
  templateFolder,
  temporaryFolder,
  whyNoServer,
} from './databases.js';
import { aCheckpoint, anOpenRound, anUpdate, aStudy, enrolled, runningStudy } from './fixtures.js';

const WRITER = fileURLToPath(new URL('killed-writer.js', import.meta.url));
const LOCK = new URL('../../../common/files/directory-lock.node.js', import.meta.url).href;

let template: string;
const folders: string[] = [];
const fresh = (): string => {
  const folder = copyOf(template);
  folders.push(folder);
  return folder;
};
beforeAll(async () => {
  template = await templateFolder();
  folders.push(template);
});
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describe('opening the database', () => {
  it('applies the migrations once, and finds the studies again', async () => {
    const dataDir = fresh();
    const study = aStudy();
    const first = await openDatabase({ dataDir });
    expect(first).toMatchObject({ kind: 'embedded', applied: [] }); // the template had them
    await new Store(first).createStudy(study, []);
    await first.close();
    const second = await openDatabase({ dataDir });
    expect((await new Store(second).study(study.state.id)).state).toEqual(study.state);
    expect(await migrate(second.pool)).toEqual([]);
    await second.close();
  });

  it('starts over when it was killed while the first files were made', async () => {
    const dataDir = temporaryFolder();
    folders.push(dataDir);
    mkdirSync(join(dataDir, 'database.new'));
    writeFileSync(join(dataDir, 'database.new', 'PG_VERSION'), 'half');
    const database = await openDatabase({ dataDir });
    expect(database.applied).toEqual(packagedMigrations().map(({ name }) => name));
    await database.close();
    expect(existsSync(join(dataDir, 'database.new'))).toBe(false);
  });

  it('changes nothing when a newer release migrated it, when a migration was edited, or when one fails', async () => {
    const dataDir = fresh();
    const database = await openDatabase({ dataDir });
    const { pool } = database;
    const ours = packagedMigrations();
    const broken = {
      name: '99990101000000_broken',
      sql: 'CREATE TABLE half (id INT); SELECT * FROM nowhere;',
      checksum: 'x',
    };
    await expect(migrate(pool, [...ours, broken])).rejects.toMatchObject({
      code: 'LENTIGO_DATABASE',
      message: expect.stringContaining('99990101000000_broken') as string,
    });
    expect((await pool.query(`SELECT to_regclass('half') AS half`)).rows).toEqual([{ half: null }]);
    await expect(
      migrate(pool, [{ ...ours[0]!, checksum: 'edited' }, ...ours.slice(1)]),
    ).rejects.toMatchObject({
      code: 'LENTIGO_DATABASE',
      message: expect.stringContaining('edited') as string,
    });
    const newer = {
      name: '99990101000000_newer',
      sql: 'CREATE TABLE newer (id INT);',
      checksum: 'y',
    };
    expect(await migrate(pool, [...ours, newer])).toEqual([newer.name]);
    await database.close();
    await expect(openDatabase({ dataDir })).rejects.toMatchObject({
      code: 'LENTIGO_DATA_DIR_NEWER',
      message: expect.stringContaining(newer.name) as string,
    });
    const release = lockDirectory(dataDir); // the refusal left no lock behind
    release();
  });

  it('carries on with what the first release wrote: rounds without terms keep what is known of them, and their studies go on', async () => {
    const dataDir = fresh();
    const database = await openDatabase({ dataDir });
    const { pool } = database;
    const store = new Store(database);
    /** A study whose round is open, with an update that it accepted. */
    const withOpenRound = async () => {
      const running = await runningStudy(store);
      const clinic = await enrolled(store, running.id);
      const round = anOpenRound(running.next, { cohort: [clinic], updates: [anUpdate(clinic)] });
      const receipt = (body: string) => ({ body, signature: 'A'.repeat(86) + '==' });
      const changes = { audit: [], update: { clinic, receipt } };
      const { version } = await store.transition({ ...running, round }, changes);
      return { ...running, version, round };
    };
    const open = await withOpenRound();
    const second = await withOpenRound();
    const { number, attempt, from, phase: _, ...opened } = second.round;
    const at = { number, attempt, from, opened, result: aCheckpoint() };
    await store.transition({ ...second, round: { ...at, phase: 'evaluating' } }, { audit: [] });
    const known = async (id: string) =>
      (await store.rounds(id)).map(({ attempt, cohort, openedAt, deadlineAt, base, updates }) => ({
        attempt,
        cohort,
        openedAt,
        deadlineAt,
        base,
        updates,
      }));
    const before = [await known(open.id), await known(second.id)];

    // as the first release had it
    const [init] = packagedMigrations();
    await pool.query(`
      ALTER TABLE "Round" DROP COLUMN "declines", DROP COLUMN "quorum", DROP COLUMN "terms", DROP COLUMN "stateSha256", DROP COLUMN "stateBytes",
        DROP COLUMN "resultStateSha256", DROP COLUMN "resultStateBytes",
        ALTER COLUMN "roundKey" SET NOT NULL, ALTER COLUMN "bytesDown" DROP DEFAULT`);
    await pool.query(`
      ALTER TABLE "Study" DROP COLUMN "version", DROP COLUMN "stateSha256",
        DROP COLUMN "stateBytes", DROP COLUMN "bestStateSha256", DROP COLUMN "bestStateBytes"`);
    await pool.query('DELETE FROM "_prisma_migrations" WHERE "migration_name" <> $1', [init!.name]);
    await migrate(pool);

    const upgraded = (await store.study(open.id)).state;
    expect(upgraded).toMatchObject({ status: 'paused', round: { phase: 'failed' } });
    await store.transition({ ...upgraded, status: 'running', reason: null }, { audit: [] });
    const evaluating = (await store.study(second.id)).state;
    const { round } = evaluating;
    if (round?.phase !== 'evaluating') throw new Error(`the round is ${round?.phase}`);
    const closed = { ...round, phase: 'closed', closedAt: 1 } as const;
    await store.transition({ ...evaluating, round: closed, completed: 1 }, { audit: [] });
    expect([await known(open.id), await known(second.id)]).toEqual(before);
    await database.close();
  });

  it('says that a server can not be reached, without the password', async () => {
    const dataDir = temporaryFolder();
    folders.push(dataDir);
    const opening = openDatabase({ url: 'postgres://lentigo:geheim@localhost:1/lentigo', dataDir });
    await expect(opening).rejects.toMatchObject({
      code: 'LENTIGO_DATABASE',
      message: expect.not.stringContaining('geheim') as string,
    });
    await expect(opening).rejects.toThrow('ECONNREFUSED');
  });

  it('says that a damaged embedded database does not open', async () => {
    const dataDir = fresh();
    rmSync(join(dataDir, 'database', 'global'), { recursive: true });
    await expect(openDatabase({ dataDir })).rejects.toMatchObject({
      code: 'LENTIGO_DATABASE',
      message: expect.stringContaining(dataDir) as string,
    });
  });
});

const disk = smallDisk(120);
afterAll(() => disk?.unmount());

describe.skipIf(disk === undefined)(
  'the embedded database on a full disk (root only: mounts a small one)',
  () => {
    const entry = () => [
      { actor: 'admin', action: 'step', detail: randomBytes(30_000).toString('base64') },
    ];
    /** Writes until it is refused. @returns how many were acknowledged, and the refusal. */
    async function fillUp(store: Store, study: string): Promise<[number, unknown]> {
      for (let acknowledged = 0; ; acknowledged++) {
        try {
          await store.record(study, entry());
        } catch (refusal) {
          return [acknowledged, refusal];
        }
      }
    }

    it('refuses by name and loses nothing; goes on when there is space, also when its log had none', async () => {
      const dataDir = disk!.folder;
      cpSync(template, dataDir, { recursive: true });
      const database = await openDatabase({ dataDir });
      const store = new Store(database);
      const { state } = aStudy();
      await store.createStudy({ ...aStudy(), state }, entry());

      disk!.fill(0);
      const [tables, noSpace] = await fillUp(store, state.id);
      expect(noSpace).toMatchObject({ code: 'LENTIGO_DISK_FULL' });
      disk!.fill(12_000_000); // less than a segment of the write-ahead log
      const [log, stopped] = await fillUp(store, state.id);
      expect(log).toBeGreaterThan(0);
      expect(stopped).toMatchObject({ code: 'LENTIGO_DISK_FULL' });
      await expect(store.study(state.id)).rejects.toMatchObject({
        code: 'LENTIGO_DISK_FULL',
        message: expect.stringContaining('opened again when there is space') as string,
      });

      disk!.free();
      expect(await store.verifyAudit(state.id)).toEqual({ ok: true, entries: 1 + tables + log });
      await store.record(state.id, entry());
      await database.close();
      const again = await openDatabase({ dataDir });
      expect(await new Store(again).verifyAudit(state.id)).toEqual({
        ok: true,
        entries: 2 + tables + log,
      });
      console.log(
        `a full disk: ${tables + log} entries acknowledged until it was, all of them there after; written on without a restart when there was space`,
      );
      await again.close();
    });
  },
);

describe.skipIf(whyNoServer() !== undefined)('a PostgreSQL server that goes away', () => {
  it('is found again when it drops its connections, and named when it is gone', async () => {
    const server = await startServer();
    const dataDir = temporaryFolder();
    folders.push(dataDir);
    const database = await openDatabase({ url: server.url, dataDir });
    const store = new Store(database);
    const study = aStudy();
    await store.createStudy(study, []);
    await database.pool.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()',
    );
    expect((await store.study(study.state.id)).state).toEqual(study.state);
    await server.stop();
    await expect(store.study(study.state.id)).rejects.toMatchObject({ code: 'LENTIGO_DATABASE' });
    await expect(store.transition(study.state, { audit: [] })).rejects.toMatchObject({
      code: 'LENTIGO_DATABASE',
    });
    await database.close();
  });
});

describe('the lock of the data directory', () => {
  const folder = (): string => {
    const made = temporaryFolder();
    folders.push(made);
    return made;
  };

  it('is refused to a second opener, which is told the process that holds it', () => {
    const directory = folder();
    const release = lockDirectory(directory);
    const second = spawnSync(
      process.execPath,
      [
        '-e',
        `import('${LOCK}').then((m) => m.lockDirectory(process.argv[1])).catch((e) => console.log(e.code, e.message))`,
        directory,
      ],
      { encoding: 'utf8' },
    );
    expect(second.stdout).toContain('LENTIGO_DATA_DIR_IN_USE');
    expect(second.stdout).toContain(`process ${process.pid}`);
    expect(() => lockDirectory(directory)).toThrow(/in use by process/);
    release();
    const again = lockDirectory(directory);
    release(); // a second release must not open another's lock
    expect(() => lockDirectory(directory)).toThrow(/in use by process/);
    again();
  });

  it('is taken over from a process that is gone, and from one whose number another process has now', () => {
    const directory = folder();
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    for (const stale of [
      `${gone} \n`,
      'torn',
      '',
      ...(process.platform === 'linux' ? [`${process.pid} another-boot/1\n`] : []),
    ]) {
      writeFileSync(join(directory, 'lock'), stale);
      lockDirectory(directory)();
      expect(existsSync(join(directory, 'lock'))).toBe(false);
    }
  });

  it('goes to exactly one of several processes that find a stale one', async () => {
    const directory = folder();
    writeFileSync(join(directory, 'lock'), `${spawnSync(process.execPath, ['-e', '']).pid} \n`);
    const script = `import('${LOCK}').then(({ lockDirectory }) => { lockDirectory(process.argv[1]); console.log('mine'); setTimeout(() => {}, 60000); }).catch((e) => { console.log(e.code); })`;
    const contenders = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['-e', script, directory], { stdio: ['ignore', 'pipe', 'inherit'] }),
    );
    const answers = await Promise.all(
      contenders.map(async ({ stdout }) => String((await once(stdout, 'data'))[0]).trim()),
    );
    for (const contender of contenders) contender.kill('SIGKILL');
    expect(answers.sort()).toEqual([
      'LENTIGO_DATA_DIR_IN_USE',
      'LENTIGO_DATA_DIR_IN_USE',
      'LENTIGO_DATA_DIR_IN_USE',
      'mine',
    ]);
  });
});

describe('the embedded database under kill -9', () => {
  it('keeps every acknowledged transition whole, and none in part', async () => {
    const dataDir = fresh();
    const study = aStudy();
    const database = await openDatabase({ dataDir });
    const store = new Store(database);
    await store.createStudy(study, [{ actor: 'admin', action: 'study-created' }]);
    const clinic = await enrolled(store, study.state.id);
    await database.close();

    let acknowledged = 0;
    for (const wanted of [7, 3, 11]) {
      const child = spawn(process.execPath, [WRITER, dataDir, study.state.id, clinic], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ended = once(child, 'close');
      let heads: string[] = [];
      for await (const line of createInterface({ input: child.stdout })) {
        heads = [...heads, line];
        // not between two steps, but somewhere in the next one
        if (heads.length === wanted) setTimeout(() => child.kill('SIGKILL'), 5 * wanted);
      }
      await ended;
      expect(child.signalCode).toBe('SIGKILL');
      expect(heads.length).toBeGreaterThanOrEqual(wanted);
      acknowledged += heads.length;

      expect(readFileSync(join(dataDir, 'lock'), 'utf8')).toMatch(String(child.pid));
      const reopened = await openDatabase({ dataDir });
      const after = new Store(reopened);
      const { completed, round } = (await after.study(study.state.id)).state;
      const rounds = await after.rounds(study.state.id);
      const audit = await after.audit(study.state.id);
      // the step that was under way when the process died is there whole, or not at all
      expect(completed - acknowledged).toBeOneOf([0, 1]);
      acknowledged = completed;
      expect(rounds).toHaveLength(completed);
      expect(rounds.every((r) => r.updates.length === 1)).toBe(true);
      expect(rounds.at(-1)!.attempt).toBe(round!.attempt);
      expect(audit.filter((e) => e.action === 'step')).toHaveLength(completed);
      const known = new Set(audit.map((e) => e.hash));
      expect(heads.filter((head) => !known.has(head))).toEqual([]);
      expect(await after.verifyAudit(study.state.id)).toMatchObject({ ok: true });
      await reopened.close();
    }
  });
});
