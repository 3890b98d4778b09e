// What clinics download is counted for the attempt that they download it for, and kept.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConsoleClient } from '../../../coordinator/console-client.js';
import type { BlobRef } from '../../../common/protocol/primitives.js';
import { ATTEMPT_HEADER } from '../../../common/protocol/primitives.js';
import { Traffic } from '../../../coordinator/rounds/traffic.js';
import { createStudy, dataDirectory } from '../../support/coordinator.js';
import { type AnnouncedRound, Member } from '../../support/member.js';
import { launchCoordinator } from '../../support/processes.js';
import { error, MemoryStore, promised, silent } from './fakes.js';

const [ONE, TWO, OVER] = ['one', 'two', 'over'] as const;

describe('downloaded bytes', () => {
  let store: MemoryStore;
  let traffic: Traffic;
  beforeEach(() => {
    vi.useFakeTimers();
    store = new MemoryStore();
    traffic = new Traffic(store, (attempt) => attempt === ONE || attempt === TWO, silent);
  });
  afterEach(() => vi.useRealTimers());
  const counted = () => Object.fromEntries(store.traffic);
  const writes = () => store.calls.length;

  it('are stored within a moment, those of one moment together, each attempt apart', async () => {
    traffic.served(ONE, 1);
    traffic.served(TWO, 5);
    traffic.served(ONE, 20);
    expect(writes()).toBe(0);
    await vi.advanceTimersByTimeAsync(250);
    expect([counted(), writes()]).toEqual([{ [ONE]: 21, [TWO]: 5 }, 2]);
    traffic.served(ONE, 300);
    await vi.advanceTimersByTimeAsync(250);
    expect([counted(), writes()]).toEqual([{ [ONE]: 321, [TWO]: 5 }, 3]);
  });

  it('are stored before the first of them is sent, those of many clinics together, and corrected afterwards', async () => {
    const gate = promised();
    store.gate = () => gate.promise;
    let sent = 0;
    const download = async (attempt: string) => {
      const counted = await traffic.announce(attempt, 1000);
      sent++;
      return counted;
    };
    const downloads = [ONE, ONE, TWO, ONE, OVER].map(download);
    await vi.advanceTimersByTimeAsync(900);
    expect([sent, counted()]).toEqual([1, {}]); // the one that is not counted
    gate.resolve();
    expect(await Promise.all(downloads)).toEqual([1000, 1000, 1000, 1000, 0]);
    expect([counted(), writes()]).toEqual([{ [ONE]: 3000, [TWO]: 1000 }, 2]);
    traffic.served(ONE, -400); // one was cut
    await vi.advanceTimersByTimeAsync(250);
    expect(counted()).toEqual({ [ONE]: 2600, [TWO]: 1000 });
  });

  it('are sent after a second all the same where the store does not answer', async () => {
    store.gate = () => new Promise(() => undefined);
    const download = traffic.announce(ONE, 1000);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await download).toBe(1000);
  });

  it('of attempts that are over or unknown, and none at all, are not counted', async () => {
    traffic.served(OVER, 100);
    traffic.served(ONE, 0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([writes(), vi.getTimerCount()]).toEqual([0, 0]);
  });

  it('that the store does not take are tried again, together with what came meanwhile, and counted once', async () => {
    store.fails.addTraffic = [error('LENTIGO_DATABASE'), error('LENTIGO_DATABASE')];
    traffic.served(ONE, 1);
    await vi.advanceTimersByTimeAsync(250);
    traffic.served(ONE, 20);
    traffic.served(TWO, 5);
    expect(counted()).toEqual({});
    await vi.advanceTimersByTimeAsync(60_000);
    expect(counted()).toEqual({ [ONE]: 21, [TWO]: 5 });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are stored at once when the coordinator stops, also those that come while others are stored', async () => {
    const gate = promised();
    store.gate = () => gate.promise;
    traffic.served(ONE, 1);
    const first = traffic.flush();
    traffic.served(ONE, 20);
    const second = traffic.flush();
    gate.resolve();
    await Promise.all([first, second]);
    expect(counted()).toEqual({ [ONE]: 21 });
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a coordinator', () => {
  const dataDirs: string[] = [];
  afterEach(async () => {
    for (const dataDir of dataDirs.splice(0)) await rm(dataDir, { recursive: true });
  });

  it('counts two studies on one starting model apart, and forgets nothing of it when it is killed at once', async () => {
    const dataDir = await dataDirectory();
    dataDirs.push(dataDir);
    let coordinator = await launchCoordinator(dataDir);
    const { url } = coordinator;
    const admin = new ConsoleClient(
      url,
      (await readFile(join(dataDir, 'admin-token'), 'utf8')).trim(),
    );
    const opened: { study: string; member: Member; round: AnnouncedRound }[] = [];
    for (const name of ['One', 'Two']) {
      const study = await createStudy(admin, { cohort: { minimum: 1, quorum: 1 } });
      const member = await Member.approved(admin, study, name);
      await member.join();
      await admin.act(study, 'start');
      opened.push({ study, member, round: await member.round(1) });
    }
    const [one, two] = opened as [(typeof opened)[0], (typeof opened)[0]];
    const { start } = one.round;
    expect(two.round.start).toEqual(start);

    const get = async (blob: BlobRef, headers: Record<string, string>) =>
      (await (await fetch(`${url}/blobs/${blob.sha256}`, { headers })).arrayBuffer()).byteLength;
    const down = async ({ study, round }: (typeof opened)[0]) =>
      (await admin.study(study)).rounds.find((r) => r.attempt === round.attempt)!.bytesDown;
    /** The models themselves, and at most so much of answers' headers with each. */
    const models = (bytes: number, answers: number) => (counted: number) =>
      counted >= bytes && counted <= bytes + 2000 * answers;

    for (let i = 0; i < 3; i++) await get(start, { [ATTEMPT_HEADER]: one.round.attempt });
    await get(start, { [ATTEMPT_HEADER]: two.round.attempt });
    const half = Math.floor(start.bytes / 2);
    const range = `bytes=${half}-`;
    expect(await get(start, { [ATTEMPT_HEADER]: two.round.attempt, range })).toBe(
      start.bytes - half,
    );
    // of no attempt, of one that there isn't, and of none that could be
    await get(start, {});
    await get(start, { [ATTEMPT_HEADER]: '0198c0de-0000-7000-8000-000000000009' });
    expect(await get(start, { [ATTEMPT_HEADER]: 'x' })).toBe(start.bytes);

    await sleep(1000);
    await get(start, { [ATTEMPT_HEADER]: one.round.attempt });
    await coordinator.kill('SIGKILL'); // at once
    coordinator = await launchCoordinator(dataDir, ['--port', new URL(url).port]);
    const before = [await down(one), await down(two)];
    expect(before[0]).toSatisfy(models(4 * start.bytes, 4));
    expect(before[1]).toSatisfy(models(2 * start.bytes - half, 2));

    await get(start, { [ATTEMPT_HEADER]: one.round.attempt });
    await expect.poll(() => down(one), { timeout: 20_000 }).toSatisfy(models(5 * start.bytes, 5));
    expect(await down(two)).toBe(before[1]);
    // What the round does next leaves it as it is.
    await one.member.join();
    const round = await one.member.round(1);
    expect(await one.member.send(round, await one.member.seal(round))).toMatchObject({ ok: true });
    await expect
      .poll(async () => (await admin.study(one.study)).completed, { timeout: 60_000 })
      .toBe(1);
    expect(await down(one)).toSatisfy(models(5 * start.bytes, 5));
    for (const { member } of opened) member.close();
    await coordinator.kill('SIGTERM');
  }, 400_000);
});
