import { describe, expect, it } from 'vitest';
import { SerialQueue } from '../../common/serial-queue.js';

describe('a serial queue', () => {
  it('starts a job when those before it are done, in the order given', async () => {
    const queue = new SerialQueue();
    const seen: string[] = [];
    const job = (name: string) =>
      queue.run(async () => {
        seen.push(`${name} starts`);
        await new Promise((resolve) => setTimeout(resolve, 1));
        seen.push(`${name} ends`);
        return name;
      });
    expect(await Promise.all([job('a'), job('b')])).toEqual(['a', 'b']);
    expect(seen).toEqual(['a starts', 'a ends', 'b starts', 'b ends']);
  });

  it('tells a failure to whoever asked, and goes on', async () => {
    const queue = new SerialQueue();
    const failed = queue.run(() => {
      throw new Error('broken');
    });
    const next = queue.run(() => 'fine');
    await expect(failed).rejects.toThrow('broken');
    expect(await next).toBe('fine');
  });

  it('is idle when all that it was given has settled', async () => {
    const queue = new SerialQueue();
    let done = false;
    const failed = expect(
      queue.run(async () => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        done = true;
        throw new Error('broken');
      }),
    ).rejects.toThrow('broken');
    await queue.idle();
    expect(done).toBe(true);
    await failed;
  });
});
