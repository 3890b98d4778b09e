// A full disk under a coordinator, and under an agent: each says so by name, nothing that was
// acknowledged is lost, and the study goes on by itself once there is room.
import { cp, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { enrolHome } from '../../client/agent/home.js';
import { statusOf } from '../../client/agent/status.js';
import { parseInvitation } from '../../common/protocol/enrolment.js';
import { ConsoleClient } from '../../coordinator/console-client.js';
import { smallDisk } from '../coordinator/storage/databases.js';
import { createStudy, dataDirectory, runCoordinator, studyUntil } from '../support/coordinator.js';
import { createUpload, deltaFor, patchUpload, sha256 } from '../support/member.js';
import { launch, launchCoordinator } from '../support/processes.js';
import { fixedClinics } from './fixed-clinic.js';

const disk = smallDisk(200);
afterAll(() => disk?.unmount());
afterEach(() => disk?.free());
/** Updates of many blocks of the disk, so that one can be cut in its middle. */
const LARGE = { training: { trainFrom: 'features.0' }, updates: { maxNorm: 1000 } };

describe.skipIf(disk === undefined)('a full disk (root only: mounts a small one)', () => {
  const full = { code: 'LENTIGO_DISK_FULL' };

  it('under the coordinator, while updates are uploaded and a round is aggregated: refused by name, what came stays, and the model is that of an undisturbed study', async () => {
    const dataDir = join(disk!.folder, 'coordinator');
    const template = await dataDirectory();
    await cp(template, dataDir, { recursive: true });
    await rm(template, { recursive: true });
    const coordinator = await launchCoordinator(dataDir);
    const admin = new ConsoleClient(
      coordinator.url,
      (await readFile(join(dataDir, 'admin-token'), 'utf8')).trim(),
    );
    const aStudy = async () =>
      fixedClinics(admin, await createStudy(admin, { rounds: 2, ...LARGE }), 2);
    const disturbed = await aStudy();
    const [one, two] = disturbed.members as [
      (typeof disturbed.members)[number],
      (typeof disturbed.members)[number],
    ];
    await one.join();
    await two.join();
    await admin.act(disturbed.study, 'start');
    const round = await one.round(1);
    const [first, second] = (await Promise.all(
      [one, two].map((member, i) => member.seal(round, { delta: deltaFor(round, `${i}/1`) })),
    )) as [Uint8Array, Uint8Array];
    const ticket = await one.ticket(round, first);
    if (!ticket.ok) throw new Error(ticket.error.code);
    const { path, token } = ticket.value;

    disk!.fill(0);
    expect(await createUpload(one.url + path, token, first.length)).toMatchObject({
      status: 507,
      ...full,
    });
    disk!.fill(first.length / 2);
    const { status, location } = await createUpload(one.url + path, token, first.length);
    expect(status).toBe(201);
    const address = new URL(location!, one.url).href;
    expect(await patchUpload(address, token, 0, first)).toMatchObject({ status: 507, ...full });
    expect(await one.submit(round, sha256(first))).toMatchObject({
      ok: false,
      error: { code: 'LENTIGO_UPDATE_MALFORMED' },
    });
    disk!.free();
    const head = await fetch(address, {
      method: 'HEAD',
      headers: { 'tus-resumable': '1.0.0', authorization: `Bearer ${token}` },
    });
    const kept = Number(head.headers.get('upload-offset'));
    expect(kept).toBeGreaterThan(0);
    expect((await patchUpload(address, token, kept, first.subarray(kept))).status).toBe(204);
    expect(await one.submit(round, sha256(first))).toMatchObject({ ok: true });

    // The last update is there, and no room for what comes of it.
    const other = await two.ticket(round, second);
    if (!other.ok) throw new Error(other.error.code);
    const made = await createUpload(two.url + other.value.path, other.value.token, second.length);
    expect(
      (await patchUpload(new URL(made.location!, two.url).href, other.value.token, 0, second))
        .status,
    ).toBe(204);
    disk!.fill(second.length / 2);
    expect(await two.submit(round, sha256(second))).toMatchObject({ ok: true });
    await coordinator.until((line) => line['effect'] === 'aggregate' && line['code'] === full.code);
    expect((await fetch(`${coordinator.url}/healthz`)).status).toBe(200);
    expect(await admin.study(disturbed.study)).toMatchObject({
      status: 'running',
      round: { number: 1, phase: 'aggregating' },
    });
    disk!.free();

    const models = async (clinics: typeof disturbed) => {
      const ending = new AbortController();
      const taking = clinics.takePart(ending.signal);
      taking.catch(() => undefined);
      const view = await studyUntil(
        admin,
        clinics.study,
        (v) => v.status !== 'running' && v.status !== 'draft',
        120,
      );
      ending.abort();
      await taking;
      for (const member of clinics.members) member.close();
      expect(view).toMatchObject({ status: 'completed', reason: 'all 2 rounds are done' });
      for (const { updates } of view.rounds.slice(1))
        expect(updates.map((u) => u.clinic)).toEqual(clinics.members.map((m) => m.id));
      const { chain, entries } = await admin.audit(clinics.study);
      expect(chain.ok).toBe(true);
      expect(entries.filter((e) => e.action === 'update')).toHaveLength(4);
      return entries
        .filter((e) => e.action === 'aggregated')
        .map((e) => (e.detail as { result: string }).result);
    };
    const results = await models(disturbed);
    const undisturbed = await aStudy();
    await admin.act(undisturbed.study, 'start');
    expect(results).toEqual(await models(undisturbed));
    console.log(
      `a full disk under the coordinator: 507 ${full.code} to a new upload and to one in the middle (${kept} of ${first.length} bytes kept), aggregation waited; 4 updates counted once, final model ${results.at(-1)!}, as undisturbed`,
    );
    await coordinator.kill('SIGKILL');
    await rm(dataDir, { recursive: true });
  }, 400_000);

  it('under an agent that keeps what it trained: it says where, waits, and neither trains again nor loses its place', async () => {
    const coordinator = await runCoordinator();
    const { admin } = coordinator;
    const study = await createStudy(admin, {
      rounds: 2,
      training: { trainFrom: 'features.3', epochs: 10 },
      updates: { maxNorm: 1000 },
      cohort: { minimum: 1, quorum: 1 },
    });
    const home = join(disk!.folder, 'home');
    await mkdir(home, { mode: 0o700 });
    const { enrolment } = await enrolHome(
      parseInvitation((await admin.invite(study, 'Full', 1)).invitation),
      home,
      'Full',
    );
    await admin.decide(study, enrolment.clinic, 'approve');
    const agent = launch([
      'clinic',
      'run',
      '--home',
      home,
      '--data',
      'synthetic:site=1&images=24&seed=1&size=64&split=train',
      '--json',
    ]);
    await admin.act(study, 'start');
    for (const round of [1, 2]) {
      await agent.until((line) => line['event'] === 'training' && line['round'] === round);
      const before = agent.lines.length;
      disk!.fill(0);
      const refused = () => agent.lines.slice(before).filter((line) => line['code'] === full.code);
      await expect.poll(() => refused().length, { timeout: 60_000 }).toBeGreaterThan(1);
      expect(refused()[0]!['message']).toContain(join(home, 'journal'));
      disk!.free();
    }
    expect(await agent.ended).toBe(0);
    expect(
      agent.lines.filter((line) => line['event'] === 'trained').map((line) => line['round']),
    ).toEqual([1, 2]);
    const view = await studyUntil(admin, study, (v) => v.status === 'completed');
    const { rounds } = await statusOf(home);
    expect(rounds.map((r) => [r.round, r.sha256])).toEqual(
      view.rounds.slice(1).map((r) => [r.number, r.updates[0]!.sha256]),
    );
    console.log(
      'a full disk under an agent, in each of 2 rounds: LENTIGO_DISK_FULL naming the journal, each round trained once, each update counted once',
    );
    await coordinator.close();
  }, 400_000);
});
