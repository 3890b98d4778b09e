// The console API, models over HTTP, health and metrics, and the server's answers to unknown
// requests.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeModel, encodeModel } from '../../../common/model/encoding.js';
import { ConsoleClient } from '../../../coordinator/console-client.js';
import {
  createStudy,
  nano,
  runCoordinator,
  studyUntil,
  type TestCoordinator,
} from '../../support/coordinator.js';
import { httpAnswer, Member, sha256 } from '../../support/member.js';

let coordinator: TestCoordinator;
let study: string;
let start: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  coordinator = await runCoordinator();
  start = encodeModel(nano());
  study = await createStudy(coordinator.admin);
});
afterAll(() => coordinator.close());

const call = async (path: string, init: RequestInit = {}) =>
  httpAnswer(await fetch(coordinator.url + path, init));
const asAdmin = { authorization: '' };
beforeAll(() => {
  asAdmin.authorization = `Bearer ${coordinator.token}`;
});
const json = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { ...asAdmin, 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

describe('the console API', () => {
  it('answers only with the admin token', async () => {
    const routes = [
      ['GET', '/api/studies'],
      ['GET', `/api/studies/${'0'.repeat(8)}`],
      ['POST', '/api/studies'],
      ['PUT', '/api/models'],
      ['POST', '/api/studies/x/start'],
      ['GET', '/api/nothing'],
    ] as const;
    for (const [method, path] of routes) {
      for (const headers of [
        {},
        { authorization: coordinator.token },
        { authorization: `Bearer ${coordinator.token}x` },
        { authorization: `Bearer ${'x'.repeat(coordinator.token.length)}` },
      ]) {
        expect(
          await call(path, { method, headers: headers as Record<string, string> }),
          `${method} ${path}`,
        ).toMatchObject({ status: 401, code: 'LENTIGO_ADMIN_TOKEN' });
      }
    }
    await expect(new ConsoleClient(coordinator.url, 'wrong').studies()).rejects.toMatchObject({
      code: 'LENTIGO_ADMIN_TOKEN',
    });
    expect(await coordinator.admin.studies()).toMatchObject([{ id: study, status: 'draft' }]);
  });
  it('names the wrong field, and creates nothing', async () => {
    const { config } = await coordinator.admin.study(study);
    const model = await coordinator.admin.uploadModel(start);
    for (const [bad, field] of [
      [{ config: { ...config, rounds: 0 }, start: model }, 'rounds'],
      [{ config, start: { ...model, sha256: 'x' } }, 'sha256'],
      [{ config, start: model, extra: 1 }, 'extra'],
      [{}, 'config'],
    ] as const) {
      expect(await call('/api/studies', json(bad))).toMatchObject({
        status: 400,
        code: 'LENTIGO_MESSAGE_INVALID',
        body: { error: { message: expect.stringContaining(field) } },
      });
    }
    expect(await coordinator.admin.studies()).toHaveLength(1);
  });
  it('refuses a study whose model, block or evaluation data is missing, and creates nothing', async () => {
    const { config } = await coordinator.admin.study(study);
    const model = await coordinator.admin.uploadModel(start);
    const create = (changes: object, of = model) =>
      coordinator.admin.createStudy({ config: { ...config, ...changes }, start: of });
    await expect(create({}, { sha256: '0'.repeat(64), bytes: 10 })).rejects.toMatchObject({
      code: 'LENTIGO_BLOB_UNKNOWN',
    });
    await expect(
      create({ training: { ...config.training, trainFrom: 'features.9' } }),
    ).rejects.toMatchObject({ code: 'LENTIGO_STUDY_INVALID' });
    await expect(
      create({ evaluation: { ...config.evaluation, data: '/nowhere/at/all' } }),
    ).rejects.toMatchObject({ code: 'LENTIGO_PATH' });
    await expect(
      create({
        evaluation: { ...config.evaluation, data: 'synthetic:site=1&images=10&split=train' },
      }),
    ).rejects.toMatchObject({ code: 'LENTIGO_DATA_EMPTY' });
    expect(await coordinator.admin.studies()).toHaveLength(1);
  });
  it('refuses a file that is not a model, and stores nothing', async () => {
    const cut = start.slice(0, -100);
    await expect(coordinator.admin.uploadModel(cut)).rejects.toMatchObject({
      code: 'LENTIGO_WEIGHTS_INVALID',
    });
    expect(await call(`/blobs/${sha256(cut)}`)).toMatchObject({ status: 404 });
  });
  it("performs the actions that a study's state allows, and refuses others by name", async () => {
    const id = await createStudy(coordinator.admin);
    for (const action of ['pause', 'resume'] as const)
      await expect(coordinator.admin.act(id, action)).rejects.toMatchObject({
        code: 'LENTIGO_STUDY_STATE',
      });
    expect(await coordinator.admin.act(id, 'start')).toMatchObject({ status: 'running' });
    await expect(coordinator.admin.act(id, 'start')).rejects.toMatchObject({
      code: 'LENTIGO_STUDY_STATE',
    });
    expect(await coordinator.admin.act(id, 'pause')).toMatchObject({ status: 'paused' });
    expect(await coordinator.admin.act(id, 'resume')).toMatchObject({ status: 'running' });
    expect(await coordinator.admin.act(id, 'stop')).toMatchObject({ status: 'stopped' });
    await expect(coordinator.admin.act(id, 'resume')).rejects.toMatchObject({
      code: 'LENTIGO_STUDY_STATE',
    });
    expect(await call(`/api/studies/${id}/explode`, json({}))).toMatchObject({
      status: 400,
      code: 'LENTIGO_MESSAGE_INVALID',
    });
    const { entries, chain } = await coordinator.admin.audit(id);
    expect(
      entries.map((e) => e.action).filter((a) => /^(create|start|pause|resume|stop)$/.test(a)),
    ).toEqual(['create', 'start', 'pause', 'resume', 'stop']);
    expect(chain.ok).toBe(true);
  });
  it('names an unknown study or clinic', async () => {
    const id = '0198c0de-0000-7000-8000-000000000001';
    const { admin } = coordinator;
    for (const ask of [
      () => admin.study(id),
      () => admin.act(id, 'start'),
      () => admin.invite(id, 'X', 1),
      () => admin.audit(id),
      () => admin.study('no-uuid'),
    ]) {
      await expect(ask()).rejects.toMatchObject({ code: 'LENTIGO_STUDY_UNKNOWN' });
    }
    await expect(coordinator.admin.decide(study, '0'.repeat(32), 'approve')).rejects.toMatchObject({
      code: 'LENTIGO_CLINIC_UNKNOWN',
    });
    await expect(coordinator.admin.model(study, 'best')).rejects.toMatchObject({
      code: 'LENTIGO_STUDY_STATE',
    });
  });
  it("serves a study's best model, which is the starting model before any round", async () => {
    const id = await createStudy(coordinator.admin);
    await coordinator.admin.act(id, 'start');
    await studyUntil(coordinator.admin, id, (v) => v.evaluations.length === 1);
    const { provenance, ...model } = decodeModel(await coordinator.admin.model(id, 'best'));
    expect(model).toEqual(nano());
    expect(provenance).toMatchObject({ kind: 'study', study: { id }, round: 0 });
    await coordinator.admin.act(id, 'stop');
  });
});

describe('GET /blobs/<sha256>', () => {
  const blob = () => `${coordinator.url}/blobs/${sha256(start)}`;
  it('serves the bytes, cacheable for ever', async () => {
    const response = await fetch(blob());
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      etag: `"${sha256(start)}"`,
      'content-length': String(start.length),
      'cache-control': expect.stringMatching(/public.*immutable/),
      'accept-ranges': 'bytes',
      'cross-origin-resource-policy': 'cross-origin',
    });
    expect(sha256(new Uint8Array(await response.arrayBuffer()))).toBe(sha256(start));
  });
  it('serves a range, and refuses one beyond the end', async () => {
    const part = await fetch(blob(), { headers: { range: `bytes=${start.length - 10}-` } });
    expect([part.status, part.headers.get('content-range')]).toEqual([
      206,
      `bytes ${start.length - 10}-${start.length - 1}/${start.length}`,
    ]);
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(start.slice(-10));
    const beyond = await fetch(blob(), { headers: { range: `bytes=${start.length}-` } });
    expect(beyond.status).toBe(416);
    expect(await beyond.json()).toMatchObject({ error: { code: 'LENTIGO_MESSAGE_INVALID' } });
  });
  it('answers 304 to a client that has it already', async () => {
    const response = await fetch(blob(), {
      headers: { 'if-none-match': `"${sha256(start)}"`, 'cache-control': 'max-age=0' },
    }); // fetch would add no-cache
    expect(response.status).toBe(304);
  });
  it('answers a clear 404 for anything it does not have, whatever the name', async () => {
    for (const name of [
      '0'.repeat(64),
      sha256(start).toUpperCase(),
      'x',
      '..%2f..%2fadmin-token',
      '%2e%2e%2fadmin-token',
    ]) {
      expect(await call(`/blobs/${name}`), name).toMatchObject({
        status: 404,
        code: 'LENTIGO_BLOB_UNKNOWN',
      });
    }
  });
});

describe('the server', () => {
  it('is healthy while its database answers', async () => {
    expect(await call('/healthz')).toMatchObject({
      status: 200,
      body: { status: 'ok', database: 'embedded' },
    });
  });
  it('exposes metrics to Prometheus', async () => {
    const member = await Member.approved(coordinator.admin, study);
    await member.join();
    await studyUntil(coordinator.admin, study, (v) => v.clinics.some((c) => c.connected));
    const { body } = await call('/metrics');
    expect(body).toMatch(/^lentigo_clinics_connected 1$/m);
    expect(body).toMatch(/^lentigo_studies\{status="draft"\} 1$/m);
    expect(body).toMatch(new RegExp(`^lentigo_rounds_completed\\{study="${study}"\\} 0$`, 'm'));
    expect(body).toMatch(/^process_cpu_seconds_total /m);
    member.close();
  });
  it('answers unknown requests with 404 and no stack trace', async () => {
    for (const [method, path] of [
      ['GET', '/nothing'],
      ['POST', '/'],
      ['DELETE', '/blobs/x'],
      ['GET', '/%'],
      ['GET', '/uploads/x/y'],
    ] as const) {
      const { status, body } = await call(path, { method });
      expect(status, `${method} ${path}`).toBeGreaterThanOrEqual(400);
      expect(status, `${method} ${path}`).toBeLessThan(500);
      expect(JSON.stringify(body)).not.toMatch(/node_modules|\.js:\d/);
    }
    expect(await call('/nothing')).toMatchObject({
      status: 404,
      body: { error: { code: expect.stringMatching(/^LENTIGO_/) } },
    });
  });
  it('sends the headers that isolate its pages, and does not reveal its software', async () => {
    const { headers } = await fetch(`${coordinator.url}/healthz`);
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(headers.get('cross-origin-embedder-policy')).toBe('require-corp');
    expect(headers.get('content-security-policy')).toMatch(/script-src 'self' 'wasm-unsafe-eval'/);
    expect(headers.get('x-powered-by')).toBeNull();
  });
});
