// A clinic for the tests: an enrolled home in a temporary folder, and participants on it that can
// be stopped and restarted.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { enrolHome, openHome } from '../../client/agent/home.js';
import type { ParticipationEvent } from '../../client/participation/events.js';
import { Participant } from '../../client/participation/participant.js';
import type { Trainer } from '../../client/participation/round.js';
import type { Store } from '../../client/participation/store.js';
import type { Peer } from './peer.js';

/** Number of values in nano's classifier: 96 features, 6 classes, biases. */
const DELTA_LENGTH = 96 * 6 + 6;

/** A trainer whose delta is different at each call, so that training twice would show. */
export function countingTrainer(): Trainer & { calls: number } {
  const trainer = Object.assign(
    async () => {
      trainer.calls++;
      return {
        delta: new Float32Array(DELTA_LENGTH).fill(trainer.calls / 1000),
        samples: 9,
        leftOut: [],
        loss: 0.5,
      };
    },
    { calls: 0 },
  );
  return trainer;
}

export interface Running {
  readonly events: ParticipationEvent[];
  /**
   * Resolves with the first event of this name, past or future; rejects if the participant ends
   * first.
   */
  until(name: ParticipationEvent['event']): Promise<ParticipationEvent>;
  stop(): Promise<void>;
  readonly done: Promise<unknown>;
}

export class TestClinic {
  readonly #peer: Peer;
  readonly id: string;
  readonly folder: string;
  private constructor(peer: Peer, folder: string, id: string) {
    this.#peer = peer;
    this.folder = folder;
    this.id = id;
  }
  static async enrolled(peer: Peer): Promise<TestClinic> {
    const folder = await mkdtemp(join(tmpdir(), 'lentigo-home-'));
    const { enrolment } = await enrolHome(peer.invitation(), folder, 'Test clinic');
    return new TestClinic(peer, folder, enrolment.clinic);
  }
  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
  async start(train: Trainer, wrap: (store: Store) => Store = (store) => store): Promise<Running> {
    const { identity, enrolment, store } = await openHome(this.folder);
    const events: ParticipationEvent[] = [];
    const listeners = new Set<() => void>();
    const abort = new AbortController();
    const participant = new Participant({
      enrolment: { ...enrolment, url: this.#peer.url },
      identity,
      store: wrap(store),
      train,
      onEvent: (event) => {
        events.push(event);
        for (const listener of listeners) listener();
      },
    });
    const done = participant.run(abort.signal);
    done.catch(() => undefined);
    return {
      events,
      done,
      until: (name) => {
        const arrived = new Promise<ParticipationEvent>((resolve) => {
          const look = () => {
            const found = events.find((e) => e.event === name);
            if (found) resolve(found);
          };
          listeners.add(look);
          look();
        });
        const ended = done.then(() =>
          Promise.reject(new Error(`ended before ${name}: ${JSON.stringify(events)}`)),
        );
        return Promise.race([arrived, ended]);
      },
      stop: async () => {
        abort.abort();
        await done.catch(() => undefined);
      },
    };
  }
}
