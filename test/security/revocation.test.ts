// A revocation happens whole or not at all: a clinic is never withdrawn from its study and still
// counted in the open round.
import { expect, it } from 'vitest';
import { openDatabase } from '../../coordinator/storage/database.js';
import { createStudy, dataDirectory, runCoordinator, studyUntil } from '../support/coordinator.js';
import { Member } from '../support/member.js';

it('that fails at its last step has changed nothing, and succeeds when repeated: out of the study, out of the round, its update not counted', async () => {
  const dataDir = await dataDirectory();
  /** Runs SQL on the database of a coordinator that is not running. */
  const sql = async (text: string) => {
    const database = await openDatabase({ dataDir });
    await database.pool.query(text);
    await database.close();
  };
  // The last step of a revocation, as if the process had been killed there.
  await sql(
    `CREATE FUNCTION stop_here() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'killed here'; END $$; CREATE TRIGGER stop BEFORE DELETE ON "Update" FOR EACH ROW EXECUTE FUNCTION stop_here()`,
  );
  let coordinator = await runCoordinator(dataDir);
  const study = await createStudy(coordinator.admin, {
    rounds: 1,
    cohort: { minimum: 3, quorum: 2 },
  });
  const members = [
    await Member.approved(coordinator.admin, study, 'One'),
    await Member.approved(coordinator.admin, study, 'Two'),
    await Member.approved(coordinator.admin, study, 'Revoked'),
  ];
  for (const member of members) await member.join();
  await coordinator.admin.act(study, 'start');
  const [one, two, revoked] = members as [Member, Member, Member];
  const round = await revoked.round(1);
  expect(await revoked.send(round, await revoked.seal(round))).toMatchObject({ ok: true });
  const stateOf = async () => {
    const view = await coordinator.admin.study(study);
    const { cohort, updates } = view.rounds.at(-1)!;
    return {
      clinic: view.clinics.find((c) => c.id === revoked.id)!.state,
      inCohort: cohort.includes(revoked.id),
      counted: updates.map((u) => u.clinic),
      head: view.auditHead,
    };
  };
  const before = await stateOf();
  expect(before).toMatchObject({ clinic: 'approved', inCohort: true, counted: [revoked.id] });

  await expect(coordinator.admin.decide(study, revoked.id, 'revoke')).rejects.toMatchObject({
    code: 'LENTIGO_INTERNAL',
  });
  expect(await stateOf()).toEqual(before);
  expect(revoked.connected).toBe(true);

  await coordinator.stop();
  await sql('DROP TRIGGER stop ON "Update"');
  coordinator = await runCoordinator(dataDir, Number(new URL(coordinator.url).port));
  expect(await stateOf()).toEqual(before); // also for the coordinator that starts again
  for (const member of members) expect(await member.join()).toMatchObject({ ok: true });
  await expect(coordinator.admin.decide(study, revoked.id, 'revoke')).resolves.toMatchObject({
    id: revoked.id,
    name: 'Revoked',
    state: 'revoked',
  });
  expect(await stateOf()).toMatchObject({ clinic: 'revoked', inCohort: false, counted: [] });
  await revoked.disconnected();
  const actions = async () =>
    (await coordinator.admin.audit(study)).entries
      .filter((e) => (e.detail as { clinic?: string } | null)?.clinic === revoked.id)
      .map((e) => e.action);
  expect((await actions()).slice(-2)).toEqual(['clinic-revoked', 'revoke']);
  await coordinator.admin.decide(study, revoked.id, 'revoke'); // again is no change
  expect((await actions()).filter((a) => a === 'clinic-revoked')).toHaveLength(1);

  for (const member of [one, two])
    expect(await member.send(round, await member.seal(round))).toMatchObject({ ok: true });
  const view = await studyUntil(coordinator.admin, study, (v) => v.status === 'completed');
  expect(view.rounds.at(-1)!.updates.map((u) => u.clinic)).toEqual([one.id, two.id].toSorted());
  expect((await coordinator.admin.audit(study)).chain.ok).toBe(true);
  for (const member of members) member.close();
  await coordinator.close(); // and removes the data directory
});
