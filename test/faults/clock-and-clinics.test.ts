// The coordinator's clock set back an hour while a round is open, with a clinic that never answers
// and one that stalls in mid-upload and is late: deadline and quorum close the round all the same.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { ConsoleClient } from '../../coordinator/console-client.js';
import { createStudy, dataDirectory, studyUntil } from '../support/coordinator.js';
import { createUpload, Member, sha256 } from '../support/member.js';
import { launchCoordinator } from '../support/processes.js';
import { PACKAGE_ROOT } from '../support/shared-data.js';

const HOUR_MS = 3_600_000;
const DEADLINE_SECONDS = 12;

it('set back an hour under an open round, while one clinic never answers and one stalls in mid-upload: the deadline stays where it was, tickets and invitations hold, the study finishes', async () => {
  const dataDir = await dataDirectory();
  const offset = join(dataDir, 'clock-offset');
  await writeFile(offset, '0');
  const preload = pathToFileURL(join(PACKAGE_ROOT, 'dist/test/faults/clock-preload.js')).href;
  const coordinator = await launchCoordinator(dataDir, [], {
    env: { NODE_OPTIONS: `--import=${preload}`, CLOCK_OFFSET_FILE: offset },
  });
  const admin = new ConsoleClient(
    coordinator.url,
    (await readFile(join(dataDir, 'admin-token'), 'utf8')).trim(),
  );
  const study = await createStudy(admin, {
    rounds: 2,
    cohort: { minimum: 3, quorum: 1, deadlineSeconds: DEADLINE_SECONDS },
  });
  const [prompt, stalling, silent] = [
    await Member.approved(admin, study, 'Prompt'),
    await Member.approved(admin, study, 'Stalling'),
    await Member.approved(admin, study, 'Silent'),
  ];
  for (const member of [prompt, stalling, silent]) await member.join();
  await admin.act(study, 'start');
  const round = await stalling.round(1);
  const opened = Date.now();

  // Half of an update, and then nothing more.
  const late = await stalling.seal(round);
  const ticket = await stalling.ticket(round, late);
  if (!ticket.ok) throw new Error(ticket.error.code);
  const { location } = await createUpload(
    coordinator.url + ticket.value.path,
    ticket.value.token,
    late.length,
  );
  const headers = {
    'tus-resumable': '1.0.0',
    authorization: `Bearer ${ticket.value.token}`,
    'upload-offset': '0',
    'content-type': 'application/offset+octet-stream',
    'content-length': late.length,
  };
  const standing = request(new URL(location!, coordinator.url).href, { method: 'PATCH', headers });
  standing.on('error', () => undefined);
  standing.write(late.subarray(0, late.length / 2));

  await writeFile(offset, String(-HOUR_MS));
  // ticketed and counted at the new time
  expect(await prompt.send(round, await prompt.seal(round))).toMatchObject({ ok: true });
  await prompt.until(() =>
    prompt.heard.find(
      ([event, m]) => event === 'round-over' && (m as { outcome: string }).outcome === 'aggregated',
    ),
  );
  const closedAfter = (Date.now() - opened) / 1000;
  expect(await stalling.submit(round, sha256(late))).toMatchObject({
    ok: false,
    error: { code: 'LENTIGO_UPDATE_LATE' },
  });
  expect(await stalling.ticket(round, late)).toMatchObject({
    ok: false,
    error: { code: 'LENTIGO_UPDATE_LATE' },
  });
  standing.destroy();

  const newcomer = await Member.approved(admin, study, 'Newcomer'); // an invitation of the new time
  expect(await newcomer.join()).toMatchObject({ ok: true });
  for (const member of [prompt, stalling, silent]) {
    const second = await member.round(2);
    expect(second.remainingMs).toBeLessThanOrEqual(DEADLINE_SECONDS * 1000);
    expect(await member.send(second, await member.seal(second))).toMatchObject({ ok: true });
  }
  const view = await studyUntil(admin, study, (v) => v.status === 'completed');
  expect(view.rounds.map((r) => [r.number, r.phase, r.updates.length])).toEqual([
    [0, 'closed', 0],
    [1, 'closed', 1],
    [2, 'closed', 3],
  ]);
  const { chain, entries } = await admin.audit(study);
  expect(chain.ok).toBe(true);
  expect(
    entries
      .filter((e) => e.action === 'deadline')
      .map((e) => (e.detail as { round: number }).round),
  ).toEqual([1]);
  // by the clock that was set back
  expect(entries.find((e) => e.action === 'deadline')!.at).toBeLessThan(opened - HOUR_MS / 2);
  console.log(
    `clock set back an hour, one clinic silent, one stalled in mid-upload: the deadline of ${DEADLINE_SECONDS} s closed the round after ${closedAfter.toFixed(1)} s with 1 update, late ones were refused; round 2 took all 3`,
  );
  for (const member of [prompt, stalling, silent, newcomer]) member.close();
  await coordinator.kill('SIGKILL');
  await rm(dataDir, { recursive: true });
}, 400_000);
