// The order of flushes, as the kernel sees it: an update's bytes, its folder and the database's log
// reach the disk before the receipt leaves; where strace is not installed, skipped.
import { spawnSync } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ConsoleClient } from '../../coordinator/console-client.js';
import { createStudy, dataDirectory, temporaryFolder } from '../support/coordinator.js';
import { Member } from '../support/member.js';
import { launchCoordinator } from '../support/processes.js';

const traceable = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0;
if (!traceable)
  console.warn('skipped: the order of flushes (strace is not installed, or not permitted)');

describe.skipIf(!traceable)('a power cut loses nothing that was acknowledged', () => {
  it('the sealed update, its folder and the log of the embedded database are flushed before the receipt is sent', async () => {
    const dataDir = await dataDirectory();
    const traces = await temporaryFolder();
    const trace = join(traces, 'trace');
    const coordinator = await launchCoordinator(dataDir, [], {
      prefix: [
        'strace',
        '-D',
        '-f',
        '-y',
        '-s',
        '200',
        '-e',
        'trace=fsync,fdatasync,rename,renameat,renameat2,write,writev,sendto,pwrite64',
        '-o',
        trace,
      ],
    });
    const admin = new ConsoleClient(
      coordinator.url,
      (await readFile(join(dataDir, 'admin-token'), 'utf8')).trim(),
    );
    const study = await createStudy(admin, { rounds: 1, cohort: { minimum: 1, quorum: 1 } });
    const member = await Member.approved(admin, study);
    await member.join();
    await admin.act(study, 'start');
    const round = await member.round(1);
    const bytes = await member.seal(round);
    const answer = await member.send(round, bytes);
    expect(answer).toMatchObject({ ok: true });
    member.close();
    await coordinator.kill('SIGKILL');

    // strace, which watches from beside it, writes its last line.
    let calls: string[] = [];
    while (!calls.some((line) => line.includes('+++ killed by SIGKILL'))) {
      calls = (await readFile(trace, 'utf8')).split('\n');
      await sleep(100);
    }
    const after = (from: number, what: RegExp): number => {
      const at = calls.findIndex((line, i) => i > from && what.test(line));
      expect(at, `${String(what)} after line ${from} of the trace`).toBeGreaterThan(from);
      return at;
    };
    const upload = `${round.attempt}_`;
    const place = `rounds/${round.attempt}/${member.id}.sealed`;
    // The private key: its bytes, its place, its folder, and only then the log that says that the
    // round is open.
    const keyFlushed = after(
      -1,
      new RegExp(`fsync\\(\\d+<[^>]*rounds/${round.attempt}/key\\.[^>]*new>`),
    );
    const keyPlaced = after(keyFlushed, new RegExp(`rename.*rounds/${round.attempt}/key"`));
    const keyEntry = after(keyPlaced, new RegExp(`fsync\\(\\d+<[^>]*rounds/${round.attempt}>`));
    const opened = after(keyEntry, /fsync\(\d+<[^>]*pg_wal\/[^>]*>/);
    const announced = after(keyEntry, /(?:write|writev|sendto)\(\d+<(?:socket|TCP).*\[\\"round\\"/);
    expect(opened).toBeLessThan(announced);
    // The update likewise, before its receipt.
    const flushed = after(announced, new RegExp(`fsync\\(\\d+<[^>]*uploads/${upload}`));
    const placed = after(flushed, new RegExp(`rename.*${place}"`));
    const entry = after(placed, new RegExp(`fsync\\(\\d+<[^>]*rounds/${round.attempt}>`));
    const committed = after(entry, /fsync\(\d+<[^>]*pg_wal\/[^>]*>/);
    const receipt = after(
      entry,
      /(?:write|writev|sendto)\(\d+<(?:socket|TCP).*\{\\"ok\\":true,\\"value\\":\{\\"body\\"/,
    );
    expect(committed).toBeLessThan(receipt);
    console.log(
      `flushed: update ${flushed}, placed ${placed}, folder ${entry}, log ${committed}, receipt ${receipt} (lines of the trace)`,
    );
    await rm(dataDir, { recursive: true });
    await rm(traces, { recursive: true });
  }, 120_000);
});
