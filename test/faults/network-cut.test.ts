// The network between agents and their coordinator is cut and stands still while models are
// fetched, while agents train, and while updates are sent: the study finishes, nothing twice.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Proxy } from './proxy.js';
import { undisturbed, World } from './world.js';

it('a network that is cut and restored, and one that stands still, while downloading, training and uploading: everything is trained and counted once, with the undisturbed models', async () => {
  let proxy: Proxy | undefined;
  const world = await World.make(
    2,
    { rounds: 3, training: { trainFrom: 'features.3', epochs: 10 }, updates: { maxNorm: 1000 } },
    {},
    async (url) => {
      proxy ??= await Proxy.to(Number(new URL(url).port));
      return proxy.url;
    },
  );
  const reference = await world.copy();
  const net = proxy!;
  const agents = world.agents.map((agent) => agent.start());
  const [agent] = agents as [(typeof agents)[0]];
  for (const each of agents) await each.until((line) => line['event'] === 'connected');

  /** Waits for what is cut by itself, in the middle of so many bytes. */
  const cutIn = async (way: 'up' | 'down', bytes: number, begin: () => Promise<unknown>) => {
    const before = net.cuts;
    net.cutAfter(way, bytes);
    await begin();
    for (const end = Date.now() + 60_000; net.cuts === before && Date.now() < end;) await sleep(10);
    expect(net.cuts, `cut ${way} after ${bytes} bytes`).toBeGreaterThan(before);
    await sleep(1000);
    net.restore();
  };
  // Quick training tells of no progress.
  const training = (round: number) =>
    agent.until(
      (line) =>
        (line['event'] === 'training' || line['event'] === 'trained') && line['round'] === round,
    );

  await cutIn('down', 30_000, () => world.admin.act(world.study, 'start'));
  await training(1);
  net.cut();
  await sleep(1000);
  net.restore();
  await cutIn('up', 20_000, async () => undefined); // a good part of an update
  await training(3);
  net.stall();
  await sleep(2000);
  net.restore();

  await world.completed();
  const { counted, models, refused, chain } = await world.outcome();
  expect(counted).toEqual(world.expected(3));
  expect([refused, chain, models.length]).toEqual([[], true, 3]);
  for (const run of agents)
    expect(run.lines.filter((l) => l['event'] === 'trained').map((l) => l['round'])).toEqual([
      1, 2, 3,
    ]);
  for (const run of agents)
    expect(run.lines.filter((l) => l['event'] === 'receipt').map((l) => l['round'])).toEqual([
      1, 2, 3,
    ]);
  await world.close();
  expect(models).toEqual(await undisturbed(reference));
  console.log(
    `network cut (${net.cuts} connections) and stalled: ${counted.length} updates counted, once each; final model ${models.at(-1)!}, as undisturbed`,
  );
  net.close();
}, 600_000);
