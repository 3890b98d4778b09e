// Taking part in rounds while the app is open: the participant of client/participation on the
// encrypted store, training in its worker; and what the pages show of it.
import { create } from 'zustand';
import { asLentigoError, LentigoError } from '../../../common/errors.js';
import type { Trainer } from '../../participation/round.js';
import { sampleOf } from '../photographs/collection.js';
import { trains } from '../photographs/photograph.js';
import { ScreenAwake } from './awake.js';
import { vaultFeatures } from './feature-store.js';
import { rememberBase, rememberOwn } from './models.js';
import type { Session } from './session.js';
import { after, IDLE, type TakingPart, type Undelivered } from './shown.js';
import { trainingWorker } from './training.js';

export const useTakingPart = create<TakingPart>(() => IDLE);
const show = useTakingPart.setState;

const PAUSED = 'settings/paused';
const LOCK = 'lentigo-clinic-takes-part';
let running: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;

const isPaused = async ({ store }: Session): Promise<boolean> =>
  (await store.read(PAUSED)) !== undefined;

/** Takes part from now on, unless the clinic paused it; in one tab at a time. */
export async function takePart(session: Session): Promise<void> {
  if (running || !session.clinic || (await isPaused(session))) return;
  const abort = new AbortController();
  const done = navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
    if (!lock) return show({ standing: 'elsewhere' });
    show({ ...IDLE, standing: 'connecting' });
    await participate(session, session.clinic!, abort.signal);
  });
  running = { abort, done };
  await done.finally(() => (running = undefined));
}

/** Stops after what the journal has; nothing that was done is lost. */
export async function pause(session: Session): Promise<void> {
  await session.store.write(PAUSED, new Uint8Array([1]));
  running?.abort.abort();
  await running?.done;
  show({ standing: 'paused', round: undefined, error: undefined, undelivered: undefined });
}

export async function resume(session: Session): Promise<void> {
  await session.store.remove(PAUSED);
  void takePart(session);
}

async function participate(
  session: Session,
  clinic: NonNullable<Session['clinic']>,
  signal: AbortSignal,
): Promise<void> {
  const awake = new ScreenAwake();
  try {
    const { Participant } = await import('../../participation/participant.js');
    show({ undelivered: await lastRefusal(session) });
    const participant = new Participant({
      ...clinic,
      store: session.store,
      train: trainer(session, awake),
      onEvent: (event) => show((before) => after(before, event)),
    });
    const notice = await participant.run(signal);
    show(
      notice
        ? { standing: 'over', round: undefined, study: notice }
        : { standing: 'paused', round: undefined },
    );
  } catch (error) {
    show({ standing: 'failed', round: undefined, error: asLentigoError(error).body() });
  } finally {
    await awake.release();
  }
}

/** Why the last update was not delivered, if the page was closed since. */
async function lastRefusal({ store }: Session): Promise<Undelivered | undefined> {
  const { Journal } = await import('../../participation/journal.js');
  const entries = await new Journal(store).entries();
  const last = entries.findLast(({ refusal }) => refusal);
  if (!last?.refusal) return undefined;
  if (entries.some(({ round, step }) => round >= last.round && step === 'received'))
    return undefined;
  const { code, message } = last.refusal;
  return { round: last.round, error: new LentigoError(code, message).body() };
}

/**
 * Trains on the photographs that are there when the round begins; the page keeps their keys, the
 * worker asks it for each.
 */
function trainer({ store, collection }: Session, awake: ScreenAwake): Trainer {
  return async (job, options) => {
    await rememberBase(store, job);
    const { labels, round } = job.terms;
    const photographs = (await collection.list()).filter((photograph) =>
      trains(photograph, labels),
    );
    if (photographs.length === 0)
      throw new LentigoError(
        'LENTIGO_UPDATE_SAMPLES',
        `Round ${round}: this clinic has no photograph with a diagnosis of the study yet.`,
      );
    const byId = new Map(photographs.map((photograph) => [photograph.id, photograph]));
    await awake.keep();
    try {
      const worker = await trainingWorker();
      show({ engine: worker.engines.find((engine) => engine.chosen) });
      const trained = await worker.trainer(
        photographs.map((photograph) => sampleOf(photograph, labels)),
        (id) => collection.image(byId.get(id)!),
        vaultFeatures(store),
      )(job, options);
      await rememberOwn(store, trained);
      return trained;
    } finally {
      await awake.release();
    }
  };
}
