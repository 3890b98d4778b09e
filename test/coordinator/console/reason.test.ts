// The coordinator's own reasons, as its machine gives them, are told in the user's language.
import { describe, expect, it } from 'vitest';
import { StudyConfig } from '../../../common/protocol/study.js';
import { type Event, step } from '../../../coordinator/rounds/machine.js';
import type { StudyState } from '../../../coordinator/rounds/state.js';
import { reasonText } from '../../../coordinator/console/reason.js';
import { STRINGS } from '../../../coordinator/console/strings/index.js';

const checkpoint = { parameters: { sha256: 'x', bytes: 1 }, strategyState: null };
const draft: StudyState = {
  id: 'study',
  version: 0,
  config: StudyConfig.parse({
    name: 's',
    model: 'm',
    rounds: 2,
    cohort: { minimum: 3, quorum: 3, attempts: 2 },
    evaluation: { data: 'd', patience: 1 },
  }),
  status: 'draft',
  reason: null,
  start: { sha256: 'x', bytes: 1 },
  next: checkpoint,
  completed: 0,
  best: null,
  sinceBest: 0,
  misses: 0,
  round: null,
};
const after = (...events: Event[]): StudyState =>
  events.reduce((state, event) => step(state, event).state, draft);
const start: Event[] = [
  { type: 'start' },
  { type: 'plan', attempt: '0' },
  { type: 'evaluated', attempt: '0', score: 0.3, now: 1 },
];
const open = (attempt: string): Event[] => [
  { type: 'plan', attempt },
  {
    type: 'open',
    attempt,
    cohort: ['a', 'b', 'c'],
    roundKey: 'k',
    terms: { body: '', signature: '' },
    now: 1,
  },
];
const done = (attempt: string, score: number): Event[] => [
  ...open(attempt),
  ...['a', 'b', 'c'].map((clinic): Event => ({
    type: 'update',
    attempt,
    update: { clinic, sha256: clinic, bytes: 1, samples: 1, norm: 1 },
  })),
  { type: 'aggregated', attempt, result: checkpoint },
  { type: 'evaluated', attempt, score, now: 2 },
];
const miss = (attempt: string): Event[] => [
  ...open(attempt),
  { type: 'deadline', attempt, now: 9 },
];
const roundReason = ({ round }: StudyState): string =>
  round?.phase === 'failed' ? round.reason : '';

describe('a reason', () => {
  const { reasons, codes } = STRINGS.de;
  it.each([
    ['pause', after(...start, { type: 'pause' }).reason, reasons.paused],
    ['stop', after(...start, { type: 'stop', now: 3 }).reason, reasons.stopped],
    ['all rounds', after(...start, ...done('1', 0.4), ...done('2', 0.5)).reason, reasons.done(2)],
    ['patience', after(...start, ...done('1', 0.2)).reason, reasons.noBetter(1)],
    ['a missed quorum', roundReason(after(...start, ...miss('1'))), reasons.missed(0, 3, 3)],
    [
      'two missed quorums',
      after(...start, ...miss('1'), ...miss('2')).reason,
      reasons.again(2, reasons.missed(0, 3, 3)),
    ],
    [
      'a round that can’t succeed',
      after(...start, ...open('1'), {
        type: 'decline',
        attempt: '1',
        decline: { clinic: 'a', name: 'North', code: 'LENTIGO_UPDATE_NOT_FINITE' },
        now: 2,
      }).reason,
      reasons.hopeless(
        1,
        `${reasons.missed(0, 3, 3)}. ${reasons.declined('North', codes['LENTIGO_UPDATE_NOT_FINITE']!)}`,
      ),
    ],
    [
      'a revoked clinic',
      roundReason(after(...start, ...open('1'), { type: 'revoke', clinic: 'a', now: 5 })),
      reasons.revoked(2, 3),
    ],
  ])('of %s is told in German', (_, said, told) => {
    expect(reasonText(said!, STRINGS.de)).toBe(told);
  });

  it('of two reasons to decline names all clinics of each', () => {
    const clinics = Array.from({ length: 14 }, (_, i) => `Clinic ${String(i + 10)}`);
    const state = after(
      ...start,
      ...open('1').map((event): Event =>
        event.type === 'open' ? { ...event, cohort: [...clinics, 'b', 'c'] } : event,
      ),
      {
        type: 'decline',
        attempt: '1',
        decline: { clinic: 'b', name: 'Dr. B', code: 'LENTIGO_UPDATE_SAMPLES' },
        now: 2,
      },
      ...clinics.map((name): Event => ({
        type: 'decline',
        attempt: '1',
        decline: { clinic: name, name, code: 'LENTIGO_DISK_FULL' },
        now: 2,
      })),
    );
    const said = roundReason(state);
    const told = reasonText(said, STRINGS.de);
    expect(told).toContain(codes['LENTIGO_DISK_FULL']);
    expect(told).toContain('und 3 weiteren');
    expect(told).toContain(`von Dr. B: ${codes['LENTIGO_UPDATE_SAMPLES']}`);
    expect(told).not.toMatch(/LENTIGO|declined|Free space|The /);
  });

  it('that is not known is shown as it was said', () => {
    expect(reasonText('aggregate failed: no disk', STRINGS.de)).toBe('aggregate failed: no disk');
  });
});
