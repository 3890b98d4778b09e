// A study that names a strategy of an extension, at a coordinator that has not loaded it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../coordinator/storage/database.js';
import { createStudy, runCoordinator, type TestCoordinator } from '../../support/coordinator.js';

describe('a coordinator without the extension of a stored study', () => {
  let coordinator: TestCoordinator;
  let study: string;
  let other: string;
  beforeAll(async () => {
    const first = await runCoordinator();
    study = await createStudy(first.admin);
    other = await createStudy(first.admin);
    await first.stop();
    const database = await openDatabase({ dataDir: first.dataDir });
    await database.pool.query(
      `UPDATE "Study" SET "config" = jsonb_set("config"::jsonb, '{strategy}', '{"name": "theirs", "rate": 0.5}') WHERE "id" = $1`,
      [study],
    );
    await database.close();
    coordinator = await runCoordinator(first.dataDir);
  });
  afterAll(() => coordinator.close());

  it('starts, and serves its other studies', async () => {
    const list = await coordinator.admin.studies();
    expect(list.map(({ id }) => id).toSorted()).toEqual([study, other].toSorted());
  });
  it('shows the study with what it names', async () => {
    const { config } = await coordinator.admin.study(study);
    expect(config.strategy).toEqual({ name: 'theirs', rate: 0.5 });
  });
  it('refuses a new study that names it, and says how it becomes known', async () => {
    const { config } = await coordinator.admin.study(study);
    const { state } = { state: await coordinator.admin.study(other) };
    expect(state.config.strategy).toEqual({ name: 'fedavg' });
    const response = await fetch(`${coordinator.url}/api/studies`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${coordinator.token}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ config, start: { sha256: 'a'.repeat(64), bytes: 1 } }),
    });
    expect([response.status, await response.text()]).toEqual([
      400,
      expect.stringMatching(/unknown strategy .*theirs.*fedavg/),
    ]);
  });
});
