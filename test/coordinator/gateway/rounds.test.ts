// How rounds end when clinics don't answer, are late, or are revoked; and that an update of one
// round is refused in the next.
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createStudy,
  dataDirectory,
  runCoordinator,
  type StudyChanges,
  studyUntil,
  type TestCoordinator,
} from '../../support/coordinator.js';
import { Member, sha256 } from '../../support/member.js';

let coordinator: TestCoordinator;
beforeAll(async () => {
  coordinator = await runCoordinator();
});
afterAll(() => coordinator.close());

/** A started study with connected clinics, in clinic-id order. */
async function started(
  changes: StudyChanges,
  clinics: number,
): Promise<{ id: string; members: Member[] }> {
  const { admin } = coordinator;
  const id = await createStudy(admin, changes);
  const members: Member[] = [];
  for (let i = 0; i < clinics; i++)
    members.push(await Member.approved(admin, id, `Clinic ${i + 1}`));
  for (const member of members) expect(await member.join()).toMatchObject({ ok: true });
  await admin.act(id, 'start');
  return { id, members };
}

describe.concurrent('the deadline', () => {
  it('closes a round that has its quorum, without the clinic that never answered, whose later update is refused as late', async () => {
    const { id, members } = await started(
      { rounds: 1, cohort: { minimum: 3, quorum: 2, deadlineSeconds: 10 } },
      3,
    );
    const [one, two, silent] = members as [Member, Member, Member];
    const round = await silent.round(1);
    expect(round.remainingMs).toBeGreaterThan(3000);
    const late = await silent.seal(round);
    const ticket = await silent.ticket(round, late);
    expect(ticket).toMatchObject({ ok: true });
    for (const member of [one, two])
      expect(await member.send(await member.round(1), await member.seal(round))).toMatchObject({
        ok: true,
      });
    // It waits for the third until the deadline.
    expect((await coordinator.admin.study(id)).round).toMatchObject({ phase: 'open' });

    const view = await studyUntil(coordinator.admin, id, (v) => v.status === 'completed');
    const closed = view.rounds.find((r) => r.number === 1)!;
    expect(closed).toMatchObject({ phase: 'closed', cohort: expect.arrayContaining([silent.id]) });
    expect(closed.updates.map((u) => u.clinic)).toEqual([one.id, two.id].toSorted());
    expect(closed.closedAt! - closed.openedAt!).toBeGreaterThanOrEqual(10_000);
    await silent.until(() =>
      silent.heard.find(
        ([event, m]) =>
          event === 'round-over' && (m as { outcome: string }).outcome === 'aggregated',
      ),
    );

    expect(await silent.ticket(round, late)).toMatchObject({
      ok: false,
      error: { code: 'LENTIGO_UPDATE_LATE' },
    });
    expect(await silent.submit(round, sha256(late))).toMatchObject({
      ok: false,
      error: { code: 'LENTIGO_UPDATE_LATE' },
    });
    const { entries, chain } = await coordinator.admin.audit(id);
    expect(entries.at(-1)).toMatchObject({
      actor: silent.id,
      action: 'update-refused',
      detail: { code: 'LENTIGO_UPDATE_LATE' },
    });
    expect(chain.ok).toBe(true);
    for (const member of members) member.close();
  });

  it('fails a round that misses its quorum, which is repeated under a new attempt; too many misses pause the study', async () => {
    const { id, members } = await started(
      { rounds: 1, cohort: { minimum: 2, quorum: 2, deadlineSeconds: 5, attempts: 2 } },
      2,
    );
    const [one, two] = members as [Member, Member];
    const first = await one.round(1);
    const sent = await one.seal(first);
    expect(await one.send(first, sent)).toMatchObject({ ok: true });
    const second = await one.round(1, first.attempt);
    expect(second).toMatchObject({ round: 1, base: first.base });
    expect(second.roundKey).not.toBe(first.roundKey);
    expect(await one.send(second, sent)).toMatchObject({
      ok: false,
      error: { code: 'LENTIGO_UPDATE_OTHER_ROUND' },
    }); // what counted in the failed attempt

    const view = await studyUntil(coordinator.admin, id, (v) => v.status === 'paused');
    expect(view.reason).toMatch(/2 attempts.*quorum/);
    expect(view.rounds.filter((r) => r.number === 1)).toMatchObject([
      { phase: 'failed', updates: [{ clinic: one.id }] },
      { phase: 'failed', updates: [] },
    ]);
    expect(two.heard.filter(([event]) => event === 'round-over').map(([, m]) => m)).toMatchObject([
      { outcome: 'failed' },
      { outcome: 'failed' },
    ]);
    await coordinator.admin.act(id, 'resume');
    await two.until(() => two.announced === 3);
    await coordinator.admin.act(id, 'stop');
    for (const member of members) member.close();
  });
});

describe('a clinic revoked while a round is open', () => {
  it('is disconnected, its update does not count, and the round goes on without it', async () => {
    const { id, members } = await started({ rounds: 1, cohort: { minimum: 3, quorum: 2 } }, 3);
    const [one, two, revoked] = members as [Member, Member, Member];
    const round = await revoked.round(1);
    for (const member of [one, revoked])
      expect(await member.send(round, await member.seal(round))).toMatchObject({ ok: true });
    await coordinator.admin.decide(id, revoked.id, 'revoke');
    await revoked.disconnected();
    expect(await revoked.join()).toMatchObject({
      ok: false,
      error: { code: 'LENTIGO_CLINIC_REVOKED' },
    });
    expect((await coordinator.admin.study(id)).rounds.at(-1)).toMatchObject({
      phase: 'open',
      updates: [{ clinic: one.id }],
    });

    expect(await two.send(round, await two.seal(round))).toMatchObject({ ok: true });
    const view = await studyUntil(coordinator.admin, id, (v) => v.status === 'completed');
    const closed = view.rounds.at(-1)!;
    expect(closed.phase).toBe('closed');
    expect(closed.cohort).not.toContain(revoked.id);
    expect(closed.updates.map((u) => u.clinic)).toEqual([one.id, two.id].toSorted());
    for (const member of members) member.close();
  });
});

describe('an update of an earlier round', () => {
  it('is refused in the next one, and keeps its own receipt', async () => {
    const { id, members } = await started({ rounds: 2 }, 2);
    const first = await members[0]!.round(1);
    const sent = await Promise.all(members.map((m) => m.seal(first)));
    const receipts = await Promise.all(members.map((m, i) => m.send(first, sent[i]!)));
    expect(receipts).toMatchObject([{ ok: true }, { ok: true }]);

    const second = await members[0]!.round(2);
    expect(second.base.sha256).not.toBe(first.base.sha256);
    expect(await members[0]!.send(second, sent[0]!)).toMatchObject({
      ok: false,
      error: { code: 'LENTIGO_UPDATE_OTHER_ROUND' },
    });
    expect(await members[0]!.submit(first, sha256(sent[0]!))).toEqual(receipts[0]);
    // Its delta sealed again for this round, but trained from the earlier base:
    const stale = await members[0]!.seal(second, { claims: { base: first.base.sha256 } });
    expect(await members[0]!.send(second, stale)).toMatchObject({
      ok: false,
      error: { code: 'LENTIGO_UPDATE_OTHER_BASE' },
    });

    for (const member of members)
      expect(await member.send(second, await member.seal(second))).toMatchObject({ ok: true });
    const view = await studyUntil(coordinator.admin, id, (v) => v.status === 'completed');
    expect(
      view.rounds.filter((r) => r.number > 0).map((r) => [r.number, r.phase, r.updates.length]),
    ).toEqual([
      [1, 'closed', 2],
      [2, 'closed', 2],
    ]);
    expect((await coordinator.admin.audit(id)).chain.ok).toBe(true);
    for (const member of members) member.close();
  });
});

describe('a coordinator that stops and starts', () => {
  it('announces the open round again, with its updates counted and their receipts unchanged, and deletes what a kill left of other rounds', async () => {
    const dataDir = await dataDirectory();
    const before = await runCoordinator(dataDir);
    const id = await createStudy(before.admin, { rounds: 1 });
    const [one, two] = [
      await Member.approved(before.admin, id, 'One'),
      await Member.approved(before.admin, id, 'Two'),
    ];
    await before.admin.act(id, 'start');
    for (const member of [one, two]) await member.join();
    const round = await one.round(1);
    const bytes = await one.seal(round);
    const receipt = await one.send(round, bytes);
    expect(receipt).toMatchObject({ ok: true });
    await before.stop();
    expect([await one.disconnected(), await two.disconnected()]).toHaveLength(2);

    const left = '0198c0de-0000-7000-8000-000000000001';
    await mkdir(join(dataDir, 'rounds', left));
    await writeFile(join(dataDir, 'rounds', left, 'key'), 'of a round that is over');
    // A clinic that retries all the time finds either no coordinator or one that knows its studies,
    // and nothing in between.
    const up = new AbortController();
    const answers: unknown[] = [];
    const knocking = (async () => {
      while (!up.signal.aborted)
        await one.join().then(
          (answer) => answers.push(answer),
          () => sleep(2),
        );
    })();
    const after = await runCoordinator(dataDir, Number(new URL(before.url).port));
    up.abort();
    await knocking;
    for (const answer of answers) expect(answer).toMatchObject({ ok: true });
    expect(await readdir(join(dataDir, 'rounds'))).toEqual([round.attempt]);
    for (const member of [one, two]) expect(await member.join()).toMatchObject({ ok: true });
    await two.until(() => two.announced === 2);
    expect(await two.round(1)).toMatchObject({ attempt: round.attempt, roundKey: round.roundKey });
    expect(await one.submit(round, sha256(bytes))).toEqual(receipt);
    expect(await two.send(round, await two.seal(round))).toMatchObject({ ok: true });
    const view = await studyUntil(after.admin, id, (v) => v.status === 'completed');
    expect(view.rounds.at(-1)!.updates.map((u) => u.clinic)).toEqual([one.id, two.id].toSorted());
    for (const member of [one, two]) member.close();
    await after.close();
  });
});
