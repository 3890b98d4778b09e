// The table of routes and what the coordinator serves are the same.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ParamName,
  pathOf,
  type Route,
  type RouteName,
  routes,
  UPLOADS_PATH,
} from '../../../common/protocol/routes.js';
import { runCoordinator, type TestCoordinator } from '../../support/coordinator.js';
import { httpAnswer } from '../../support/member.js';

let coordinator: TestCoordinator;
beforeAll(async () => {
  coordinator = await runCoordinator();
});
afterAll(() => coordinator.close());

const PARAMS: Record<ParamName, string> = {
  id: '0198c0de-0000-7000-8000-000000000001',
  clinic: '0'.repeat(32),
  sha256: '0'.repeat(64),
  number: '1',
  action: 'start',
  which: 'best',
};
const call = async (method: string, path: string, headers: Record<string, string> = {}) =>
  httpAnswer(await fetch(coordinator.url + path, { method, headers }));
const asAdmin = () => ({ authorization: `Bearer ${coordinator.token}` });

describe.each(Object.keys(routes) as RouteName[])('the route %s', (name) => {
  const route = routes[name];
  const path = pathOf<Route>(route, { params: PARAMS });
  it('is served', async () => {
    const { code } = await call(route.method, path, asAdmin());
    expect(code, `${route.method} ${path}`).not.toBe('LENTIGO_ROUTE_UNKNOWN');
  });
  it('asks for the admin token where the table says so', async () => {
    const { code } = await call(route.method, path);
    expect(code === 'LENTIGO_ADMIN_TOKEN').toBe(route.access === 'admin');
  });
});

describe('what is not in the table', () => {
  it.each([
    ['GET', '/api/nothing'],
    ['DELETE', '/api/studies'],
    ['GET', `/api/studies/${PARAMS.id}/nothing`],
    ['POST', `/api/studies/${PARAMS.id}/clinics/${PARAMS.clinic}/promote`],
    ['POST', '/healthz'],
    ['GET', '/blobs'],
  ])('is unknown: %s %s', async (method, path) => {
    expect(await call(method, path, asAdmin())).toMatchObject({
      status: 404,
      code: 'LENTIGO_ROUTE_UNKNOWN',
    });
  });
  it('is the path of uploads, whose ticket tus asks for', async () => {
    const headers = { 'tus-resumable': '1.0.0', 'upload-length': '1' };
    expect((await call('POST', UPLOADS_PATH, headers)).code).toBe('LENTIGO_UPLOAD_TICKET');
  });
});
