// One clinic's identity on two machines, as of a home that was copied: named on both sides, and the
// two don't push each other off for ever.
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { enrolHome, openHome } from '../../client/agent/home.js';
import { Participant } from '../../client/participation/participant.js';
import { studyReport } from '../../commands/study-report.js';
import { parseInvitation } from '../../common/protocol/enrolment.js';
import {
  createStudy,
  runCoordinator,
  studyUntil,
  temporaryFolder,
} from '../support/coordinator.js';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const work of cleanUp.splice(0).toReversed()) await work();
});

it('a clinic that was copied to a second machine is sent away on the first, by name on both sides', async () => {
  const folder = await temporaryFolder();
  cleanUp.push(() => rm(folder, { recursive: true }));
  const coordinator = await runCoordinator();
  cleanUp.push(() => coordinator.close());
  const { admin } = coordinator;
  const id = await createStudy(admin);
  const { invitation } = await admin.invite(id, 'North', 1);
  const homes = [join(folder, 'home'), join(folder, 'copy')] as const;
  const { enrolment } = await enrolHome(parseInvitation(invitation), homes[0], 'North');
  await cp(homes[0], homes[1], { recursive: true });
  await admin.decide(id, enrolment.clinic, 'approve');

  const stop = new AbortController();
  const run = async (home: string) => {
    const opened = await openHome(home);
    const events: string[] = [];
    const ended = new Participant({
      ...opened,
      train: () => Promise.reject(new Error('no round is opened')),
      onEvent: ({ event }) => events.push(event),
    }).run(stop.signal);
    ended.catch(() => undefined);
    await expect.poll(() => events, { timeout: 20_000 }).toContain('connected');
    return { events, ended };
  };
  const first = await run(homes[0]);
  const second = await run(homes[1]);
  cleanUp.push(() => {
    stop.abort();
    return second.ended;
  });
  await expect(first.ended).rejects.toMatchObject({
    code: 'LENTIGO_CLINIC_ELSEWHERE',
    exitCode: 3,
    message: expect.stringContaining('"North"') as string,
    remedy: expect.stringMatching(/another invitation/) as string,
  });
  const view = await studyUntil(admin, id, (v) => v.clinics[0]!.displacedAt !== null);
  expect(view.clinics).toMatchObject([{ name: 'North', connected: true }]);
  expect(studyReport(view)).toMatch(/North: two machines connect with its identity/);
  await expect
    .poll(async () => (await admin.audit(id)).entries.map((e) => [e.action, e.detail]).at(-1))
    .toEqual(['clinic-twice', { clinic: enrolment.clinic, name: 'North' }]);
  // Nobody came back to push the second one off.
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  expect(second.events).toEqual(['connected']);
});
