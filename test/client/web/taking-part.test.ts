// What the app shows of a round in which its clinic can't deliver.
import { expect, it } from 'vitest';
import { after, IDLE, type TakingPart } from '../../../client/web/session/shown.js';
import { LentigoError } from '../../../common/errors.js';
import type { ParticipationEvent } from '../../../client/participation/events.js';

const few = new LentigoError('LENTIGO_UPDATE_SAMPLES', 'The study takes at least 200.').body();
const study = { study: 's', name: 'Study', rounds: 3 } as const;
const round: ParticipationEvent = { event: 'round', round: 1, attempt: 'a', remainingMs: 1000 };
const refused: ParticipationEvent = { event: 'error', round: 1, ...few };
const declined: ParticipationEvent = { event: 'declined', round: 1, ...few };
const over: ParticipationEvent = { event: 'round-over', round: 1, attempt: 'a', outcome: 'failed' };
const paused: ParticipationEvent = { event: 'study', ...study, status: 'paused', round: 0 };
const shown = (...events: readonly ParticipationEvent[]): TakingPart =>
  events.reduce<TakingPart>((state, event) => ({ ...state, ...after(state, event) }), IDLE);

it('a round that this clinic declined did not go on without it', () => {
  expect(shown(round, refused, declined).round?.phase).toBe('declined');
});

it.each([
  ['heard', [round, refused, declined, over, paused]],
  ['that ended the round before it was answered', [round, refused, over, paused]],
  ['repeated after a reload', [paused, declined]],
])('the reason of a decline %s stays', (_, events) => {
  expect(shown(...events).undelivered).toEqual({ round: 1, error: few });
});

it('until the clinic trains again', () => {
  expect(shown(round, refused, declined, over, round).undelivered).toBeUndefined();
});
