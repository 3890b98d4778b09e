// Events that a participant reports while it runs: for a screen, a log, or the program that started
// it.
import type { ErrorBody } from '../../common/errors.js';
import type { Progress, RoundOver, StudyStatus } from '../../common/protocol/round.js';
import type { StudyModels } from '../../common/protocol/study-models.js';

export type ParticipationEvent =
  | {
      readonly event: 'connected' | 'study';
      readonly study: string;
      readonly name: string;
      readonly status: StudyStatus;
      readonly round: number;
      readonly rounds: number;
    }
  | { readonly event: 'waiting-approval'; readonly clinic: string; readonly fingerprint: string }
  | {
      readonly event: 'round';
      readonly round: number;
      readonly attempt: string;
      readonly remainingMs: number;
    }
  | {
      readonly event: 'downloaded';
      readonly round: number;
      readonly sha256: string;
      readonly bytes: number;
      readonly seconds: number;
    }
  /** Progress of one phase of a round, 0–1; at most four events a second. */
  | ({ readonly event: Progress['phase']; readonly round: number } & StepProgress)
  | {
      readonly event: 'trained';
      readonly round: number;
      readonly samples: number;
      /** Number of photographs that could not be read. */
      readonly leftOut: number;
      readonly loss: number;
      readonly seconds: number;
    }
  /** The update was encoded, encrypted, signed, and stored for sending. */
  | {
      readonly event: 'sealed';
      readonly round: number;
      readonly bytes: number;
      readonly seconds: number;
    }
  | {
      readonly event: 'uploaded';
      readonly round: number;
      readonly bytes: number;
      readonly sha256: string;
      readonly seconds: number;
    }
  | {
      readonly event: 'receipt';
      readonly round: number;
      readonly attempt: string;
      readonly samples: number;
      readonly bytes: number;
      readonly norm: number;
      readonly sha256: string;
    }
  | {
      readonly event: 'round-over';
      readonly round: number;
      readonly attempt: string;
      readonly outcome: RoundOver['outcome'];
    }
  /** Which models the study has made; when it is over, they are here by now. */
  | ({ readonly event: 'models' } & Pick<StudyModels, 'select' | 'best' | 'last' | 'models'> & {
        readonly over: boolean;
      })
  /** The coordinator knows that no update of this clinic will come in this round, and why. */
  | ({ readonly event: 'declined'; readonly round: number } & ErrorBody)
  /** The round went on without this clinic's update; nothing is wrong. */
  | ({ readonly event: 'missed'; readonly round: number } & ErrorBody)
  | ({ readonly event: 'error'; readonly round?: number } & ErrorBody);

export interface StepProgress {
  readonly fraction: number;
  /** Counts from 1. */
  readonly epoch?: number | undefined;
  readonly loss?: number | undefined;
  /** Seconds left in this phase. */
  readonly secondsLeft?: number | undefined;
}
