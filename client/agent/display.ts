// What an agent's owner sees while it runs: one moving line on a terminal, plain lines in a log, or
// JSON lines for another program.
import type { EngineName } from '../../common/engine/engine.js';
import { MovingLine } from '../../common/progress.node.js';
import { METRIC_NAMES, roundText } from '../../common/reporting/metric-names.js';
import type { StudyStatus } from '../../common/protocol/round.js';
import type { MadeModel } from '../../common/protocol/study-models.js';
import type { Skipped } from '../../common/training/features.js';
import type { ParticipationEvent } from '../participation/events.js';
import { describePhotographs, describeUnusable, type Photographs, SHOWN } from './photographs.js';

export type AgentEvent =
  | ParticipationEvent
  | {
      readonly event: 'ready';
      readonly data: string;
      /** Number to train on, with those that turn out to be unreadable. */
      readonly images: number;
      readonly engine: EngineName;
      readonly photographs: Photographs;
    }
  /** Training found more photographs that can't be read. */
  | { readonly event: 'unreadable'; readonly round: number; readonly found: readonly Skipped[] }
  | { readonly event: 'warning'; readonly message: string }
  /** The study is over, or the agent was asked to stop. */
  | { readonly event: 'done'; readonly status: StudyStatus | 'interrupted' };

export interface Display {
  show(event: AgentEvent): void;
  /** Leaves the terminal as it was. */
  close(): void;
}

type Sink = (text: string) => void;

/** One line of JSON per event. */
export function jsonDisplay(out: Sink): Display {
  return {
    show: (event) => out(`${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`),
    close: () => undefined,
  };
}

/**
 * `moving`: progress rewrites the last line. Otherwise progress is printed at every tenth of a
 * phase.
 */
export function textDisplay(out: Sink, moving: boolean): Display {
  const line = new MovingLine(out);
  let printed = '';
  let last = '';
  return {
    show(event) {
      const { text, progress } = describe(event);
      if (progress && moving) {
        line.show(text);
        return;
      }
      if (progress) {
        const tenth = `${event.event} ${Math.floor(progress.fraction * 10)}`;
        if (tenth === printed) return;
        printed = tenth;
      } else if (text === last) {
        // A failure that repeats is printed once.
        return;
      } else last = text;
      line.clear();
      out(`${text}\n`);
    },
    close: () => line.clear(),
  };
}

const bytes = (n: number): string =>
  n < 1e5 ? `${(n / 1e3).toFixed(1)} kB` : `${(n / 1e6).toFixed(1)} MB`;

function modelsText({
  models,
  select,
  best,
  last,
  over,
}: Extract<AgentEvent, { event: 'models' }>): string {
  const of = (round: number | null) => models.find((made) => made.round === round);
  const metric = METRIC_NAMES[select];
  if (over)
    return `The study's models are here: best, ${roundText(best)}, by ${metric} on validation; last, ${roundText(last)}. Take one out with lentigo clinic model.`;
  const [now, before] = [of(last), of(last === null ? null : last - 1)];
  const score = (made: MadeModel | undefined) => made?.validation?.toFixed(3) ?? 'undefined';
  return `After ${roundText(last)}: ${metric} on validation ${score(now)}${before ? ` (${score(before)} before)` : ''}; best so far ${roundText(best)}.`;
}

function describe(event: AgentEvent): { text: string; progress?: { fraction: number } } {
  switch (event.event) {
    case 'ready':
      return {
        text: [
          describePhotographs(event.photographs),
          ...(event.photographs.unusable > 0 ? [describeUnusable(event.photographs, SHOWN)] : []),
          `Engine ${event.engine}.`,
        ].join('\n'),
      };
    case 'unreadable':
      return {
        text: describeUnusable({ unusable: event.found.length, first: event.found }, SHOWN),
      };
    case 'warning':
      return { text: `Warning: ${event.message}` };
    case 'connected':
    case 'study':
      return {
        text: `Study "${event.name}": ${event.status}, round ${event.round} of ${event.rounds}.`,
      };
    case 'waiting-approval':
      return {
        text: `Waiting to be approved. Fingerprint to compare by telephone: ${event.fingerprint}`,
      };
    case 'round':
      return {
        text: `Round ${event.round}: taking part, ${Math.round(event.remainingMs / 1000)} s left.`,
      };
    case 'downloaded':
      return { text: `Round ${event.round}: downloaded ${bytes(event.bytes)}.` };
    case 'trained':
      return {
        text: `Round ${event.round}: trained on ${event.samples} images${event.leftOut > 0 ? ` (${event.leftOut} left out: they can't be read)` : ''} in ${event.seconds.toFixed(1)} s, loss ${event.loss.toFixed(4)}.`,
      };
    case 'sealed':
      return { text: `Round ${event.round}: sealed ${bytes(event.bytes)}.` };
    case 'uploaded':
      return { text: `Round ${event.round}: sent ${bytes(event.bytes)}, encrypted.` };
    case 'receipt':
      return {
        text: `Round ${event.round}: receipt for ${event.sha256.slice(0, 16)}… (${event.samples} images, norm ${event.norm.toPrecision(3)}).`,
      };
    case 'round-over':
      return {
        text: `Round ${event.round}: ${event.outcome === 'aggregated' ? 'complete' : 'missed its quorum'}.`,
      };
    case 'models':
      return { text: modelsText(event) };
    case 'declined':
      return {
        text: `Round ${event.round}: the coordinator knows that no update comes from here (${event.code}). This clinic takes part in the next round.`,
      };
    case 'missed':
      return { text: `Round ${event.round} went on without this clinic: ${event.message}` };
    case 'error':
      return { text: `${event.code}: ${event.message} ${event.remedy}` };
    case 'done':
      return {
        text:
          event.status === 'interrupted'
            ? 'Stopped; nothing is lost, run it again to carry on.'
            : `The study is ${event.status}.`,
      };
    default: {
      const { fraction, epoch, loss, secondsLeft } = event;
      const parts = [
        `Round ${event.round}: ${event.event} ${Math.round(fraction * 100)} %`,
        epoch ? `epoch ${epoch}` : undefined,
        loss === undefined ? undefined : `loss ${loss.toFixed(4)}`,
        secondsLeft === undefined ? undefined : `${Math.ceil(secondsLeft)} s left`,
      ];
      return {
        text: parts.filter((part) => part !== undefined).join(', '),
        progress: { fraction },
      };
    }
  }
}
