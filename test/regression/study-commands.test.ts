// What a study coordinator types: names and beginnings of IDs, changes of a study that ended, and an
// audit log that people can read.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clinicNamed, studyNamed } from '../../commands/named.js';
import { auditLines } from '../../commands/study-audit.js';
import { studyReport } from '../../commands/study-report.js';
import {
  createStudy,
  runCoordinator,
  studyUntil,
  type TestCoordinator,
} from '../support/coordinator.js';
import { Member } from '../support/member.js';

let coordinator: TestCoordinator;
let study: string;
let north: Member;
let south: Member;
beforeAll(async () => {
  coordinator = await runCoordinator();
  const { admin } = coordinator;
  study = await createStudy(admin, { rounds: 1, cohort: { minimum: 2, quorum: 1 } });
  north = await Member.approved(admin, study, 'Clinic North');
  south = await Member.enrolled(admin, study, 'Clinic South');
  await admin.invite(study, 'Late', 1);
});
afterAll(async () => {
  north.close();
  south.close();
  await coordinator.close();
});

describe('a study', () => {
  it('is meant by its ID, the beginning of it in any case, and its name', async () => {
    const { admin } = coordinator;
    for (const word of [study, study.slice(0, 8), study.slice(0, 11).toUpperCase(), ' test  Study'])
      expect(await studyNamed(admin, word)).toBe(study);
    await expect(studyNamed(admin, 'none')).rejects.toMatchObject({
      code: 'LENTIGO_STUDY_UNKNOWN',
      message: expect.stringContaining('"none"') as string,
    });
  });
  it('that may be one of two is asked for again, with both', async () => {
    const other = await createStudy(coordinator.admin);
    await expect(studyNamed(coordinator.admin, 'Test study')).rejects.toMatchObject({
      code: 'LENTIGO_USAGE',
      message: expect.stringMatching(new RegExp(`${study}[^]*${other}`)) as string,
    });
  });
});

describe('a clinic', () => {
  const named = (...words: string[]) => clinicNamed(coordinator.admin, study, words);
  it('is meant by its name, its fingerprint or the beginning of that, with or without spaces', async () => {
    const shown = north.id.replaceAll(/(.{4})/g, '$1 ').trim();
    for (const words of [
      ['Clinic North'],
      ['clinic', 'north'],
      [north.id],
      [shown],
      shown.split(' '),
      [north.id.slice(0, 10).toUpperCase()],
    ])
      expect(await named(...words)).toBe(north.id);
  });
  it('that is not there, or only invited, is said to be so, with those that are', async () => {
    await expect(named('Clinic West')).rejects.toMatchObject({
      code: 'LENTIGO_CLINIC_UNKNOWN',
      message: expect.stringMatching(
        /"Clinic West"[^]*Enrolled:[^]*Clinic (North|South)[^]*Clinic (North|South)/,
      ) as string,
      remedy: expect.stringContaining('lentigo study show') as string,
    });
    await expect(named('Late')).rejects.toMatchObject({
      message: expect.stringContaining('has not enrolled yet') as string,
    });
  });
  it('that may be one of two is asked for again', async () => {
    const twin = await Member.enrolled(coordinator.admin, study, 'Clinic South');
    await expect(named('Clinic South')).rejects.toMatchObject({
      code: 'LENTIGO_USAGE',
      message: expect.stringMatching(/give more of the ID/) as string,
    });
    expect(await named(twin.id.slice(0, 12))).toBe(twin.id);
  });
  it('that waits for approval, connected, is not away', async () => {
    expect(await south.join()).toMatchObject({ ok: false });
    const report = studyReport(await coordinator.admin.study(study));
    expect(report).toMatch(/Clinic South .*pending +connected, waits for approval/);
    expect(report).toMatch(/Clinic North .*approved +away/);
    await coordinator.admin.decide(study, south.id, 'approve');
  });
});

describe('a study that is completed', () => {
  const deliver = async (number: number) => {
    for (const member of [north, south]) {
      const round = await member.round(number);
      expect(await member.send(round, await member.seal(round))).toMatchObject({ ok: true });
    }
  };
  it('goes on under other terms once it is changed and resumed, and the audit log says from what to what', async () => {
    const { admin } = coordinator;
    for (const member of [north, south]) await member.join();
    await admin.act(study, 'start');
    await expect(admin.change(study, { rounds: 2 })).rejects.toMatchObject({
      code: 'LENTIGO_STUDY_STATE',
    });
    await deliver(1);
    const done = await studyUntil(admin, study, (v) => v.status === 'completed');
    expect(studyReport(done)).not.toMatch(/training \d+%/); // no progress of a minute ago
    await expect(admin.change(study, { quorum: 3 })).rejects.toMatchObject({
      code: 'LENTIGO_STUDY_INVALID',
    });
    expect(
      await admin.change(study, { rounds: 2, quorum: 2, deadlineSeconds: 7200 }),
    ).toMatchObject({ status: 'paused' });
    await admin.act(study, 'resume');
    const second = await north.round(2);
    expect(second.remainingMs).toBeGreaterThan(7_000_000);
    await deliver(2);
    const view = await studyUntil(admin, study, (v) => v.status === 'completed');
    expect(view).toMatchObject({
      completed: 2,
      config: { rounds: 2, cohort: { quorum: 2, deadlineSeconds: 7200 } },
    });
    const { entries, chain } = await admin.audit(study);
    expect(chain.ok).toBe(true);
    const lines = auditLines(entries, view.clinics);
    for (const wanted of [
      /admin +change +deadlineSeconds 600 → 7200, quorum 1 → 2, rounds 1 → 2$/,
      /coordinator +open +round 2, Clinic (North|South) \+ Clinic (North|South)$/,
      /Clinic North +update +round 2, 12 images$/,
      /coordinator +evaluated +round 2, balancedAccuracy 0\.\d+$/,
      /admin +clinic-approved +Clinic South$/,
    ])
      expect(lines).toContainEqual(expect.stringMatching(wanted));
  });
});
