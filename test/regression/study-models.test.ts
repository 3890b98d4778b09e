// A clinic gets the study's best and last model after it ends, each under the round that it really
// comes from, with the results that the coordinator recorded.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { enrolHome, openHome } from '../../client/agent/home.js';
import { takeModel } from '../../client/agent/model.js';
import { runAgent } from '../../client/agent/run.js';
import type { AgentEvent } from '../../client/agent/display.js';
import { toldModels } from '../../client/participation/study-models.js';
import { rememberBase, rememberOwn, usableModels } from '../../client/web/session/models.js';
import { createIdentity } from '../../common/crypto/identity.js';
import { decodeModel } from '../../common/model/encoding.js';
import { loadModel } from '../../common/model/folder.node.js';
import { parseInvitation } from '../../common/protocol/enrolment.js';
import type { StudyView } from '../../common/protocol/console.js';
import { countingTrainer, TestClinic } from '../client/clinic.js';
import { Peer } from '../client/peer.js';
import {
  createStudy,
  runCoordinator,
  studyUntil,
  type TestCoordinator,
} from '../support/coordinator.js';
import { sha256 } from '../support/member.js';
import { succeed } from '../support/processes.js';

let coordinator: TestCoordinator;
let folder: string;
let study: string;
let view: StudyView;
const events: AgentEvent[] = [];
const at = (name: string) => join(folder, name);
const enrolled = async (name: string): Promise<string> => {
  const invitation = parseInvitation((await coordinator.admin.invite(study, name, 1)).invitation);
  return (await enrolHome(invitation, at(name), name)).enrolment.clinic;
};
const approved = async (name: string): Promise<string> => {
  const clinic = await enrolled(name);
  await coordinator.admin.decide(study, clinic, 'approve');
  return clinic;
};
const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (thrown: { code?: string }) => thrown.code ?? thrown,
  );

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lentigo-models-'));
  coordinator = await runCoordinator();
  study = await createStudy(coordinator.admin, {
    rounds: 3,
    cohort: { minimum: 1, quorum: 1 },
  });
  await approved('north');
  await approved('late');
  await coordinator.admin.act(study, 'start');
  await runAgent({
    home: at('north'),
    data: 'synthetic:site=2&images=10&seed=4&size=64&split=train',
    signal: new AbortController().signal,
    onEvent: (event) => void events.push(event),
  });
  view = await studyUntil(coordinator.admin, study, ({ status }) => status === 'completed');
});
afterAll(async () => {
  await coordinator.close();
  await rm(folder, { recursive: true, force: true });
});

describe('when the study is over', () => {
  it("an agent has the best and the last model, and takes either out: the very models of the study's console, with its recorded held-out results", async () => {
    expect(events.findLast(({ event }) => event === 'models')).toMatchObject({
      over: true,
      best: view.best!.round,
      last: 3,
    });
    for (const which of ['best', 'last'] as const) {
      const round = which === 'best' ? view.best!.round : 3;
      const { validation, heldout } = view.evaluations.find((e) => e.round === round)!;
      expect(await takeModel(at('north'), at(`out-${which}`), which)).toMatchObject({
        study,
        status: 'completed',
        which,
        round,
        select: 'balancedAccuracy',
        validation: validation.balancedAccuracy,
        heldout,
      });
      const ofConsole = decodeModel(await coordinator.admin.model(study, which));
      const ofClinic = await loadModel(at(`out-${which}`));
      expect(ofClinic.labels).toEqual(ofConsole.labels);
      expect(sha256(new Uint8Array(ofClinic.parameters.values.buffer))).toBe(
        sha256(new Uint8Array(ofConsole.parameters.values.buffer)),
      );
      expect(
        JSON.parse(await readFile(join(at(`out-${which}`), 'results.json'), 'utf8')),
      ).toMatchObject({ which, round, heldout });
    }
    const { store, enrolment } = await openHome(at('north'));
    const { models } = await usableModels(store, enrolment);
    expect(models.map(({ kind, round }) => [kind, round])).toEqual([
      ['best', view.best!.round],
      ['last', 3],
    ]);
  });

  it('a clinic that was away gets it by one command, which says what it wrote, and never writes over anything', async () => {
    const model = (out: string, ...more: string[]) =>
      succeed(['clinic', 'model', '--home', at('late'), '--out', at(out), ...more]);
    const stdout = await model('late-model', '--which', 'last');
    expect(stdout).toContain(`last model is in ${at('late-model')}`);
    expect(stdout).toMatch(/last: round 3, balanced accuracy on validation 0\.\d{3}/);
    expect(stdout).toMatch(
      /Held-out result of round 3, \d+ images: balanced accuracy 0\.\d+ \(95%/,
    );
    const before = await readFile(join(at('late-model'), 'model.safetensors'));
    expect(await codeOf(takeModel(at('late'), at('late-model'), 'best'))).toBe('LENTIGO_USAGE');
    expect(await readFile(join(at('late-model'), 'model.safetensors'))).toEqual(before);
    expect(JSON.parse(await model('late-best', '--json'))).toMatchObject({
      which: 'best',
      round: view.best!.round,
    });
  });

  it('what it took out predicts', async () => {
    await takeModel(at('north'), at('predicting'), 'best');
    await sharp({ create: { width: 80, height: 80, channels: 3, background: '#a77' } })
      .jpeg()
      .toFile(at('photograph.jpg'));
    const stdout = await succeed(['predict', at('photograph.jpg'), '--model', at('predicting')]);
    expect(stdout).toContain('photograph.jpg');
  });

  it('a clinic that is not approved, or was revoked, gets nothing', async () => {
    await enrolled('pending');
    await coordinator.admin.decide(study, await approved('revoked'), 'revoke');
    expect(await codeOf(takeModel(at('pending'), at('none'), 'best'))).toBe(
      'LENTIGO_CLINIC_NOT_APPROVED',
    );
    expect(await codeOf(takeModel(at('revoked'), at('none'), 'best'))).toBe(
      'LENTIGO_CLINIC_REVOKED',
    );
    expect(await readdir(folder)).not.toContain('none');
  });

  it('a model that was damaged in the home is fetched again', async () => {
    const home = await openHome(at('late'));
    const last = (await toldModels(home))!.models.at(-1)!;
    const blob = `blobs/${last.parameters.sha256}`;
    await home.store.write(blob, new Uint8Array([1, 2, 3]));
    expect(await takeModel(at('late'), at('mended'), 'last')).toMatchObject({ round: 3 });
    expect(sha256((await home.store.read(blob))!)).toBe(last.parameters.sha256);
  });
});

describe('while the study runs', () => {
  let peer: Peer;
  let clinic: TestClinic;
  beforeEach(async () => {
    peer = await Peer.open();
    clinic = await TestClinic.enrolled(peer);
  });
  afterEach(async () => {
    await clinic.close();
    await peer.close();
  });
  const made = (round: number, bytes: Uint8Array) => ({
    round,
    parameters: { sha256: sha256(bytes), bytes: bytes.length },
    validation: round / 10,
    heldout: view.evaluations[0]!.heldout,
  });
  /** Takes part in round 3 as the app does; what it can predict with then. */
  const inRoundThree = async () => {
    const { store, enrolment } = await openHome(clinic.folder);
    peer.announce(clinic.id, { round: 3 });
    const train = countingTrainer();
    const run = await clinic.start(async (job, options) => {
      await rememberBase(store, job);
      const trained = await train(job, options);
      await rememberOwn(store, trained);
      return trained;
    });
    await run.until('receipt');
    await run.until('models');
    await run.stop();
    return await usableModels(store, enrolment);
  };

  it('the app names the model that it predicts with by the round that made it: what round 3 starts from is round 2’s', async () => {
    peer.models = { best: 1, last: 2, models: [made(1, new Uint8Array([1])), made(2, peer.base)] };
    const { models } = await inRoundThree();
    expect(models.map(({ kind, round, validation }) => [kind, round, validation])).toEqual([
      ['base', 2, 0.2],
      ['own', 3, undefined],
    ]);
    const [base, own] = await Promise.all(models.map((model) => model.load()));
    expect(sha256(base!.parameters!.base)).toBe(sha256(peer.base));
    expect(base!.parameters!.delta).toBeUndefined();
    expect(own!.parameters!.delta).toHaveLength(582);
  });

  it('and by the round that starts from it where no round that is known has made it', async () => {
    peer.models = { best: 2, last: 2, models: [made(2, new Uint8Array([2]))] };
    expect((await inRoundThree()).models[0]).toMatchObject({
      kind: 'base',
      round: undefined,
      startOf: 3,
    });
  });

  it('what another key signed about the models is not believed, and the study goes on', async () => {
    peer.models = { best: 1, last: 1, models: [made(1, peer.base)] };
    peer.forger = createIdentity();
    const run = await clinic.start(countingTrainer());
    expect(await run.until('error')).toMatchObject({ code: 'LENTIGO_CHALLENGE_FAILED' });
    await run.stop();
    expect(await toldModels(await openHome(clinic.folder))).toBeUndefined();
  });

  it('bytes that are not the model are refused, and the study ends all the same', async () => {
    const model = new Uint8Array(5000).fill(7);
    peer.more.push(model);
    peer.models = { best: 1, last: 1, models: [made(1, model)] };
    peer.status = 'completed';
    peer.alteredBlobs = 100;
    const run = await clinic.start(countingTrainer());
    expect(await run.until('error')).toMatchObject({ code: 'LENTIGO_BLOB_CORRUPT' });
    expect(await run.done).toMatchObject({ status: 'completed' });
  });

  it('a study without a model says so', async () => {
    expect(await codeOf(takeModel(clinic.folder, at('nothing'), 'best'))).toBe(
      'LENTIGO_STUDY_STATE',
    );
  });
});
