// A thread for the tests of ServiceThread: it computes, hands over, refuses, and dies when told to.
import { transfer } from 'comlink';
import { setTimeout as wait } from 'node:timers/promises';
import { LentigoError } from '../../../common/errors.js';
import { serve } from '../../../common/workers/serve.node.js';

let underWay = 0;

const service = {
  add: async (a: number, b: number): Promise<number> => a + b,
  double: async (values: Float32Array): Promise<Float32Array<ArrayBuffer>> => {
    const doubled = values.map((value) => 2 * value);
    return transfer(doubled, [doubled.buffer]);
  },
  refuse: async (message: string): Promise<void> => {
    throw new LentigoError('LENTIGO_DATA_EMPTY', message);
  },
  fail: async (message: string): Promise<void> => {
    throw new TypeError(message);
  },
  die: async (): Promise<void> => {
    setImmediate(() => {
      throw new Error('out of luck');
    });
    await wait(60_000);
  },
  /** How many jobs are under way, this one included. */
  underWay: async (): Promise<number> => {
    underWay++;
    await wait(10);
    return underWay--;
  },
  greeting: async (): Promise<unknown> => Reflect.get(globalThis, 'greeting'),
};
export type AddingService = typeof service;

serve(service, { oneAtATime: true });
