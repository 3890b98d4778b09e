// PostgreSQL ended at once and started again under a running study, round after round: it finishes,
// and every update is counted once.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Server, startServer, whyNoServer } from '../coordinator/storage/databases.js';
import { World } from './world.js';

const why =
  whyNoServer() ??
  (process.env['LENTIGO_TEST_DATABASE_URL']
    ? 'the server of LENTIGO_TEST_DATABASE_URL is not ours to restart'
    : undefined);
if (why) console.warn(`skipped: PostgreSQL restarted (${why})`);

describe.skipIf(why)('PostgreSQL restarted under a running study', () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());

  it('the study finishes, every update counted once', async () => {
    const world = await World.make(
      2,
      { rounds: 3, training: { trainFrom: 'features.3', epochs: 3 }, updates: { maxNorm: 1000 } },
      { env: { DATABASE_URL: server.url } },
    );
    for (const agent of world.agents) agent.start();
    await world.admin.act(world.study, 'start');
    const agent = world.agents[0]!.runs[0]!;
    for (const [event, round] of [
      ['training', 1],
      ['sealed', 2],
      ['receipt', 3],
    ] as const) {
      await agent.until((line) => line['event'] === event && line['round'] === round);
      server.restart!();
    }
    await world.completed();
    const { counted, models, chain } = await world.outcome();
    expect(counted).toEqual(world.expected(3));
    expect([chain, models.length]).toEqual([true, 3]);
    console.log(
      `PostgreSQL restarted 3 times: ${counted.length} updates counted, once each; ${models.length} models`,
    );
    await world.close();
  }, 600_000);
});
