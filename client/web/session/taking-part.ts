// Taking part in rounds while the app is open: the participant of client/participation on the
// encrypted store, training in its worker; and what the pages show of it.
import { create } from 'zustand';
import { asLentigoError, type ErrorBody, LentigoError } from '../../../common/errors.js';
import type { EngineReport } from '../../../common/engine/engine.js';
import type { Progress, StudyNotice } from '../../../common/protocol/round.js';
import type { ParticipationEvent, StepProgress } from '../../participation/events.js';
import type { Trainer } from '../../participation/round.js';
import { sampleOf } from '../photographs/collection.js';
import { trains } from '../photographs/photograph.js';
import { ScreenAwake } from './awake.js';
import { vaultFeatures } from './feature-store.js';
import { rememberBase, rememberOwn } from './models.js';
import type { Session } from './session.js';
import { trainingWorker } from './training.js';

/** elsewhere: another tab takes part already. over: the study has ended. */
export type Standing =
  | 'paused'
  | 'connecting'
  | 'waiting-approval'
  | 'connected'
  | 'offline'
  | 'elsewhere'
  | 'over'
  | 'failed';

interface RoundShown extends StepProgress {
  readonly number: number;
  readonly phase: Progress['phase'] | 'sent' | 'missed';
  /** When the coordinator closes the round, by this machine's clock. */
  readonly endsAt: number;
}

interface TakingPart {
  readonly standing: Standing;
  readonly study: Pick<StudyNotice, 'name' | 'status' | 'round' | 'rounds'> | undefined;
  readonly round: RoundShown | undefined;
  readonly engine: EngineReport | undefined;
  /** What went wrong last; nothing while all is well. */
  readonly error: ErrorBody | undefined;
  /** Grows with every update sent: the list of them is read again. */
  readonly sent: number;
  /** Grows whenever the coordinator told of the study's models: they are read again. */
  readonly told: number;
}

const IDLE: TakingPart = {
  standing: 'paused',
  study: undefined,
  round: undefined,
  engine: undefined,
  error: undefined,
  sent: 0,
  told: 0,
};
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
  show({ standing: 'paused', round: undefined, error: undefined });
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

/** What the pages show after an event. */
function after(before: TakingPart, event: ParticipationEvent): Partial<TakingPart> {
  const round = (changes: Partial<RoundShown>) => ({
    round: before.round && { ...before.round, ...changes },
  });
  switch (event.event) {
    case 'connected':
    case 'study':
      return { standing: 'connected', study: event, error: undefined };
    case 'waiting-approval':
      return { standing: 'waiting-approval', error: undefined };
    case 'round':
      return {
        round: {
          number: event.round,
          phase: 'downloading',
          fraction: 0,
          endsAt: Date.now() + event.remainingMs,
        },
        error: undefined,
      };
    case 'downloading':
    case 'preparing':
    case 'training':
    case 'sealing':
    case 'uploading': {
      const { event: phase, round: _, ...progress } = event;
      return {
        ...round({ epoch: undefined, loss: undefined, secondsLeft: undefined, ...progress, phase }),
        error: undefined,
      };
    }
    case 'receipt':
      return {
        ...round({ phase: 'sent', fraction: 1, secondsLeft: undefined }),
        sent: before.sent + 1,
        error: undefined,
      };
    case 'models':
      return { told: before.told + 1 };
    case 'round-over':
      return { round: undefined };
    case 'missed':
    case 'declined':
      return round({ phase: 'missed' });
    case 'error': {
      const { event: _, round: __, ...error } = event;
      return {
        error,
        ...(error.code === 'LENTIGO_UNREACHABLE' &&
          before.standing !== 'waiting-approval' && { standing: 'offline' as const }),
      };
    }
    default:
      return {};
  }
}
