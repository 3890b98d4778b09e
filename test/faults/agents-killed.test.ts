// SIGKILL of agents while they train, seal, upload and wait: nothing that was trained is trained
// again, nothing is counted twice, and the models are those of the undisturbed study.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Random } from '../../common/random.js';
import { undisturbed, World } from './world.js';

const ROUNDS = 3;
const SEED = 77;
/** The event after which the agent is killed, and within how many milliseconds. */
const MOMENTS = [
  ['training', 300],
  ['trained', 20],
  ['sealed', 20],
  ['uploaded', 30],
  ['receipt', 50],
] as const;

it(`SIGKILL of agents ${ROUNDS * MOMENTS.length} times, while training, sealing, uploading and waiting: each update is trained and counted once, the models are the undisturbed ones`, async () => {
  const random = new Random(SEED);
  const world = await World.make(2, {
    rounds: ROUNDS,
    training: { trainFrom: 'features.3', epochs: 3 },
    updates: { maxNorm: 1000 },
  });
  const reference = await world.copy();
  const [victim, other] = world.agents as [World['agents'][number], World['agents'][number]];
  other.start();
  let run = victim.start();
  await world.admin.act(world.study, 'start');
  let kills = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [event, within] of MOMENTS) {
      // Past a step that was journalled before the kill, the agent goes on with a later one.
      const later = MOMENTS.slice(MOMENTS.findIndex(([e]) => e === event)).map(
        ([e]) => e as string,
      );
      await run.until(
        (line) =>
          (line['round'] === round && later.includes(String(line['event']))) ||
          line['event'] === 'done' ||
          Number(line['round']) > round,
      );
      await sleep(random.uniform(0, within));
      await run.kill('SIGKILL');
      kills++;
      run = victim.start();
    }
  }
  await world.completed();
  const { counted, models, refused, chain } = await world.outcome();
  expect(counted).toEqual(world.expected(ROUNDS));
  expect([refused, chain, models.length]).toEqual([[], true, ROUNDS]);
  // The line and the journal entry are not one step: a kill between them may train a round anew, to
  // the same bytes; never after it was sealed.
  const lines = victim.runs.flatMap((r) => r.lines);
  for (let round = 1; round <= ROUNDS; round++) {
    const of = (event: string) =>
      lines.findIndex((l) => l['event'] === event && l['round'] === round);
    if (of('sealed') >= 0)
      expect(
        lines
          .slice(of('sealed') + 1)
          .filter((l) => l['event'] === 'trained' && l['round'] === round),
        `round ${round}`,
      ).toEqual([]);
  }
  await world.close();
  expect(models).toEqual(await undisturbed(reference));
  console.log(
    `agents killed ${kills} times (seed ${SEED}); ${counted.length} updates counted, once each; final model ${models.at(-1)!}, as undisturbed`,
  );
}, 600_000);
