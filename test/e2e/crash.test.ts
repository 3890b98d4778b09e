// Processes that are killed, or told to stop, in the middle of a round: the study goes on where it
// was, and nothing is trained, sent or counted twice.
import { readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { enrolHome } from '../../client/agent/home.js';
import { statusOf } from '../../client/agent/status.js';
import { parseInvitation } from '../../common/protocol/enrolment.js';
import { ConsoleClient } from '../../coordinator/console-client.js';
import { createStudy, dataDirectory, studyUntil, temporaryFolder } from '../support/coordinator.js';
import { createUpload, Member, sha256 } from '../support/member.js';
import { launch, launchCoordinator, type Line, type Running } from '../support/processes.js';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** A coordinator process that can be ended and started again at the same address. */
async function restartable() {
  const dataDir = await dataDirectory();
  folders.push(dataDir);
  let process = await launchCoordinator(dataDir);
  const { url } = process;
  const admin = new ConsoleClient(
    url,
    (await readFile(join(dataDir, 'admin-token'), 'utf8')).trim(),
  );
  return {
    url,
    admin,
    end: (signal: NodeJS.Signals) => process.kill(signal),
    async startAgain() {
      process = await launchCoordinator(dataDir, ['--port', new URL(url).port]);
      expect(process.url).toBe(url);
    },
    said: () => process.stdout(),
  };
}

it('SIGKILL of the coordinator while a round is open and of agents while they train and send: the study finishes, every update is counted once', async () => {
  const coordinator = await restartable();
  const { admin } = coordinator;
  const study = await createStudy(admin, {
    rounds: 2,
    training: { trainFrom: 'features.3', epochs: 10 },
    updates: { maxNorm: 1000 },
  });
  const clinic = async (name: string, images: number) => {
    const home = await temporaryFolder();
    folders.push(home);
    const { enrolment } = await enrolHome(
      parseInvitation((await admin.invite(study, name, 1)).invitation),
      home,
      name,
    );
    await admin.decide(study, enrolment.clinic, 'approve');
    const runs: Running[] = [];
    const start = () => {
      const run = launch([
        'clinic',
        'run',
        '--home',
        home,
        '--data',
        `synthetic:site=1&images=${images}&seed=${images}&size=64&split=train`,
        '--json',
      ]);
      runs.push(run);
      return run;
    };
    return {
      id: enrolment.clinic,
      home,
      start,
      lines: (event: string): Line[] =>
        runs.flatMap((r) => r.lines.filter((l) => l['event'] === event)),
    };
  };
  const quick = await clinic('Quick', 8);
  const slow = await clinic('Slow', 48);
  const is = (event: string, round: number) => (line: Line) =>
    line['event'] === event && line['round'] === round;

  const running = { quick: quick.start(), slow: slow.start() };
  await admin.act(study, 'start');
  await running.slow.until(is('training', 1));
  expect(await running.slow.kill('SIGKILL')).toBe('SIGKILL');
  await running.quick.until(is('receipt', 1));

  // One update is counted, the other clinic is gone: the round is open.
  expect((await admin.study(study)).rounds.at(-1)).toMatchObject({
    number: 1,
    phase: 'open',
    updates: [{ clinic: quick.id }],
  });
  expect(await coordinator.end('SIGKILL')).toBe('SIGKILL');
  await running.quick.until(
    (line) => line['event'] === 'error' && line['code'] === 'LENTIGO_UNREACHABLE',
  );
  await coordinator.startAgain();
  expect((await admin.study(study)).rounds.at(-1)).toMatchObject({
    number: 1,
    phase: 'open',
    updates: [{ clinic: quick.id }],
  });

  running.slow = slow.start();
  await running.slow.until(is('receipt', 1));
  await coordinator.end('SIGKILL'); // while it aggregates or evaluates
  await coordinator.startAgain();

  await running.quick.until(is('uploaded', 2)); // sealed and sent; perhaps not yet acknowledged
  await running.quick.kill('SIGKILL');
  running.quick = quick.start();
  expect(await Promise.all([running.quick.ended, running.slow.ended])).toEqual([0, 0]);

  const view = await admin.study(study);
  expect(view.status).toBe('completed');
  expect(view.rounds.map((r) => [r.number, r.phase])).toEqual([
    [0, 'closed'],
    [1, 'closed'],
    [2, 'closed'],
  ]); // one attempt each
  expect(view.evaluations.map((e) => e.round)).toEqual([0, 1, 2]);
  for (const { updates } of view.rounds.slice(1))
    expect(updates.map((u) => [u.clinic, u.samples])).toEqual(
      [
        [quick.id, 8],
        [slow.id, 48],
      ].toSorted((a, b) => String(a[0]).localeCompare(String(b[0]))),
    );
  const { chain, entries } = await admin.audit(study);
  expect(chain.ok).toBe(true);
  const counted = entries
    .filter((e) => e.action === 'update')
    .map((e) => (e.detail as { sha256: string }).sha256);
  expect(counted).toHaveLength(4);
  expect(entries.filter((e) => e.action === 'update-refused')).toEqual([]);
  for (const { home, id, lines } of [quick, slow]) {
    // What each clinic has a receipt for is what counted; each round was trained to its end once.
    const { rounds } = await statusOf(home);
    expect(rounds.map((r) => r.round)).toEqual([1, 2]);
    for (const { round, sha256 } of rounds)
      expect(view.rounds[round]!.updates.find((u) => u.clinic === id)!.sha256).toBe(sha256);
    expect(counted).toEqual(expect.arrayContaining(rounds.map((r) => r.sha256)));
    expect(lines('trained').map((l) => l['round'])).toEqual([1, 2]);
  }
}, 240_000);

it('SIGTERM ends the coordinator with exit code 0 though an upload stands still, and it carries on at the next start', async () => {
  const coordinator = await restartable();
  const { admin } = coordinator;
  const study = await createStudy(admin, { rounds: 1, cohort: { minimum: 1, quorum: 1 } });
  const member = await Member.approved(admin, study);
  await member.join();
  await admin.act(study, 'start');
  const round = await member.round(1);
  const bytes = await member.seal(round);
  const ticket = await member.ticket(round, bytes);
  if (!ticket.ok) throw new Error(ticket.error.code);
  const { location } = await createUpload(
    coordinator.url + ticket.value.path,
    ticket.value.token,
    bytes.length,
  );
  const address = new URL(location!, coordinator.url).href;
  const headers = { 'tus-resumable': '1.0.0', authorization: `Bearer ${ticket.value.token}` };
  const standing = request(address, {
    method: 'PATCH',
    headers: {
      ...headers,
      'upload-offset': '0',
      'content-type': 'application/offset+octet-stream',
      'content-length': bytes.length,
    },
  });
  const cut = new Promise((resolve) => standing.once('error', resolve));
  standing.write(bytes.subarray(0, 700));
  await sleep(200);

  const asked = Date.now();
  expect(await coordinator.end('SIGTERM')).toBe(0);
  expect(Date.now() - asked).toBeLessThan(20_000);
  expect(coordinator.said()).toContain('coordinator stopped');
  await cut;
  await member.disconnected();

  await coordinator.startAgain();
  expect(await member.join()).toMatchObject({ ok: true, value: { status: 'running' } });
  await member.until(() => member.announced === 2);
  expect(await member.round(1)).toMatchObject({ attempt: round.attempt });
  // The upload goes on where it was cut.
  const held = Number(
    (await fetch(address, { method: 'HEAD', headers })).headers.get('upload-offset'),
  );
  expect(held).toBe(700);
  const rest = await fetch(address, {
    method: 'PATCH',
    headers: {
      ...headers,
      'upload-offset': '700',
      'content-type': 'application/offset+octet-stream',
    },
    body: new Uint8Array(bytes.subarray(700)),
  });
  expect(rest.status).toBe(204);
  expect(await member.submit(round, sha256(bytes))).toMatchObject({ ok: true });
  await studyUntil(admin, study, (v) => v.status === 'completed');
  member.close();
  expect(await coordinator.end('SIGTERM')).toBe(0);
});
