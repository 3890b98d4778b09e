// What an agent says of its photographs: what it trains on, what it keeps apart, and which can't be
// read, when it starts, in its status, and in each round.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AgentEvent, textDisplay } from '../../client/agent/display.js';
import { enrolHome } from '../../client/agent/home.js';
import { runAgent } from '../../client/agent/run.js';
import { statusOf } from '../../client/agent/status.js';
import { openDataset } from '../../common/dataset/open.node.js';
import { checkPicture } from '../../common/images/check.node.js';
import { Peer } from '../client/peer.js';

let peer: Peer;
let folder: string;
let home: string;
let data: string;
beforeEach(async () => {
  peer = await Peer.open();
  folder = await mkdtemp(join(tmpdir(), 'lentigo-agent-'));
  [home, data] = [join(folder, 'home'), join(folder, 'data')];
  await mkdir(join(data, 'images'), { recursive: true });
});
afterEach(async () => {
  await peer.close();
  await rm(folder, { recursive: true });
});

const noise = (i: number): Promise<Buffer> =>
  sharp(
    Buffer.from(Uint8Array.from({ length: 64 * 64 * 3 }, (_, p) => ((p + i) * 2654435761) >>> 24)),
    { raw: { width: 64, height: 64, channels: 3 } },
  )
    .jpeg()
    .toBuffer();

/** @param split a row's, if the table has the column */
async function photographs(n: number, split?: (i: number) => string): Promise<void> {
  const rows = Array.from({ length: n }, (_, i) => i);
  for (const i of rows) await writeFile(join(data, `images/IMG_${i}.jpg`), await noise(i));
  await writeFile(
    join(data, 'metadata.csv'),
    [
      `patient_id,img_id,diagnostic${split ? ',split' : ''}`,
      ...rows.map(
        (i) =>
          `P${i >> 1},IMG_${i}.jpg,${i % 3 === 0 ? 'MEL' : 'NEV'}${split ? `,${split(i)}` : ''}`,
      ),
      '',
    ].join('\n'),
  );
}

/** Runs until this event, and gives all events and what a log has of them. */
async function run(
  until: AgentEvent['event'],
  options: { evaluationShare?: number } = {},
): Promise<{ events: AgentEvent[]; text: string }> {
  const events: AgentEvent[] = [];
  let text = '';
  const display = textDisplay((part) => (text += part), false);
  const abort = new AbortController();
  await runAgent({
    home,
    data,
    ...options,
    signal: abort.signal,
    onEvent: (event) => {
      events.push(event);
      display.show(event);
      if (event.event === until) abort.abort();
    },
  });
  return { events, text };
}
const ready = ({ events }: { events: readonly AgentEvent[] }) =>
  events.find((event) => event.event === 'ready')!;

describe('photographs that can’t be read', () => {
  it('are said at start where their ends tell, in the round where training tells, and in the status', async () => {
    const { enrolment } = await enrolHome(peer.invitation(), home, 'A clinic');
    await photographs(8);
    await writeFile(join(data, 'images/IMG_0.jpg'), '');
    await writeFile(join(data, 'images/IMG_1.jpg'), (await noise(1)).subarray(0, -200));
    await writeFile(join(data, 'images/IMG_2.jpg'), '%PDF-1.7');
    await rm(join(data, 'images/IMG_3.jpg'));
    // Its header and its end are there, its pixels are not.
    const damaged = await sharp(await noise(4))
      .png()
      .toBuffer();
    await writeFile(
      join(data, 'images/IMG_4.jpg'),
      damaged.fill(0x55, damaged.length / 2, damaged.length / 2 + 40),
    );
    const { training } = peer.announce(enrolment.clinic);
    peer.announce(enrolment.clinic, {
      training: { ...training, trainFrom: 'classifier', epochs: 1 },
    });

    const { events, text } = await run('receipt');

    const { photographs: started } = ready({ events });
    expect(started.unusable).toBe(4);
    expect(started.first.map(({ id }) => id)).toEqual(['IMG_0', 'IMG_1', 'IMG_2', 'IMG_3']);
    expect(text).toContain(`4 photographs of 2 patients in ${data}: all to train`);
    expect(text).toContain("4 photographs can't be used and are left out:");
    expect(text).toMatch(/IMG_0: .*the file is empty/);
    expect(text).toMatch(/IMG_1: .*this JPEG is cut short/);
    expect(text).toMatch(/IMG_2: .*is a PDF/);
    expect(text).toMatch(/IMG_3: row 5: no image IMG_3.jpg/);
    expect(events.find(({ event }) => event === 'unreadable')).toMatchObject({
      round: 1,
      found: [{ id: 'IMG_4' }],
    });
    expect(events.find(({ event }) => event === 'trained')).toMatchObject({
      samples: 3,
      leftOut: 4,
    });
    expect(text).toContain("trained on 3 images (4 left out: they can't be read)");

    const status = await statusOf(home);
    expect(status.photographs).toMatchObject({ unusable: 5, training: { images: 4 } });
    expect(status.photographs!.first.map(({ id }) => id)).toContain('IMG_4');
    expect(status.rounds).toMatchObject([{ round: 1, samples: 3, leftOut: 4 }]);
  });

  it('a motion photograph and one with a large header are no false alarm', async () => {
    const plain = await noise(0);
    const film = Buffer.alloc(300_000, 'mdat');
    const path = join(data, 'images/motion.jpg');
    await writeFile(path, Buffer.concat([plain, film]));
    await checkPicture(path);
    const segment = Buffer.concat([Buffer.from('ffe2ffff', 'hex'), Buffer.alloc(65_533, 1)]);
    await writeFile(
      path,
      Buffer.concat([plain.subarray(0, 2), segment, segment, segment, plain.subarray(2)]),
    );
    await checkPicture(path);
    await writeFile(
      path,
      Buffer.concat([plain.subarray(0, 2), segment, segment, segment, plain.subarray(2, -40)]),
    );
    await expect(checkPicture(path)).rejects.toThrow('this JPEG is cut short');
  });

  it('nothing usable at all is an error that says why', async () => {
    await enrolHome(peer.invitation(), home, 'A clinic');
    await photographs(2);
    for (const i of [0, 1]) await rm(join(data, `images/IMG_${i}.jpg`));
    await expect(run('ready')).rejects.toMatchObject({
      code: 'LENTIGO_DATA_EMPTY',
      message: expect.stringContaining('no image IMG_0.jpg'),
    });
  });
});

describe('what a folder without splits is for', () => {
  beforeEach(() => enrolHome(peer.invitation(), home, 'A clinic'));

  it('all of it is trained on, and the agent says so', async () => {
    await photographs(20);
    const { events, text } = await run('ready');
    expect(ready({ events })).toMatchObject({ images: 20 });
    expect(text).toContain(`20 photographs of 10 patients in ${data}: all to train`);
  });

  it('--evaluation-share keeps whole patients apart, the same that DIR?evaluation holds out', async () => {
    await photographs(20);
    const { events, text } = await run('ready', { evaluationShare: 0.3 });
    const { photographs: said, images } = ready({ events });
    expect(said.evaluation).toEqual({ images: 6, patients: 3 });
    expect(images).toBe(14);
    expect(text).toContain(
      "14 of 7 patients to train, 6 of 3 patients kept for this clinic's own evaluation",
    );
    const { samples } = await openDataset(`${data}?evaluation=0.3`);
    const heldout = samples.filter(({ split }) => split === 'heldout');
    expect(heldout).toHaveLength(6);
    expect(samples.filter(({ split }) => split === 'train')).toHaveLength(14);
    const patients = new Set(heldout.map(({ patient }) => patient));
    expect(samples.some(({ split, patient }) => split === 'train' && patients.has(patient))).toBe(
      false,
    );
  });

  it('a split column decides, and the share is refused beside it', async () => {
    await photographs(20, (i) => (i < 12 ? 'train' : 'heldout'));
    const { events, text } = await run('ready');
    expect(ready({ events })).toMatchObject({ images: 12 });
    expect(text).toContain('12 of 6 patients to train (its train split)');
    await expect(run('ready', { evaluationShare: 0.2 })).rejects.toMatchObject({
      code: 'LENTIGO_USAGE',
      message: expect.stringContaining('its own splits'),
    });
  });

  it('a share that is none is a usage error', async () => {
    await photographs(4);
    for (const share of ['1', '2', '-0.1', 'abc', ''])
      await expect(openDataset(`${data}?evaluation=${share}`)).rejects.toMatchObject({
        code: 'LENTIGO_USAGE',
      });
  });
});

it('knows nothing before its first start', async () => {
  await enrolHome(peer.invitation(), home, 'A clinic');
  expect((await statusOf(home)).photographs).toBeUndefined();
});
