// What the pages show of taking part, and how each event changes it.
import type { EngineReport } from '../../../common/engine/engine.js';
import type { ErrorBody } from '../../../common/errors.js';
import type { Progress, StudyNotice } from '../../../common/protocol/round.js';
import type { ParticipationEvent, StepProgress } from '../../participation/events.js';

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
  readonly phase: Progress['phase'] | 'sent' | 'missed' | 'declined';
  /** When the coordinator closes the round, by this machine's clock. */
  readonly endsAt: number;
}

export interface Undelivered {
  readonly round: number;
  readonly error: ErrorBody;
}

export interface TakingPart {
  readonly standing: Standing;
  readonly study: Pick<StudyNotice, 'name' | 'status' | 'round' | 'rounds'> | undefined;
  readonly round: RoundShown | undefined;
  readonly engine: EngineReport | undefined;
  /** What went wrong last; nothing while all is well. */
  readonly error: ErrorBody | undefined;
  /** Why no update of this clinic came in a round; until it trains again. */
  readonly undelivered: Undelivered | undefined;
  /** Grows with every update sent: the list of them is read again. */
  readonly sent: number;
  /** Grows whenever the coordinator told of the study's models: they are read again. */
  readonly told: number;
}

export const IDLE: TakingPart = {
  standing: 'paused',
  study: undefined,
  round: undefined,
  engine: undefined,
  error: undefined,
  undelivered: undefined,
  sent: 0,
  told: 0,
};

/** What the pages show after an event. */
export function after(before: TakingPart, event: ParticipationEvent): Partial<TakingPart> {
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
        undelivered: undefined,
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
        undelivered: undefined,
      };
    }
    case 'receipt':
      return {
        ...round({ phase: 'sent', fraction: 1, secondsLeft: undefined }),
        sent: before.sent + 1,
        error: undefined,
        undelivered: undefined,
      };
    case 'models':
      return { told: before.told + 1 };
    case 'round-over':
      return { round: undefined };
    case 'missed':
      return round({ phase: 'missed' });
    case 'declined': {
      const { event: _, round: number, ...error } = event;
      return {
        ...round({ phase: 'declined', secondsLeft: undefined }),
        error: undefined,
        undelivered: { round: number, error },
      };
    }
    case 'error': {
      const { event: _, round: number, ...error } = event;
      return {
        error,
        // The round may be over before the coordinator answers that it knows.
        ...(number !== undefined && { undelivered: { round: number, error } }),
        ...(error.code === 'LENTIGO_UNREACHABLE' &&
          before.standing !== 'waiting-approval' && { standing: 'offline' as const }),
      };
    }
    default:
      return {};
  }
}
