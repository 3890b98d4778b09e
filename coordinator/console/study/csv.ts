// A study's metrics as CSV, one row for each round, split and metric: what statistics programs
// read.
import { csvOf } from '../../../common/csv.js';
import { SCORE_NAMES } from '../../../common/evaluation/metrics.js';
import type { LiveStudy } from '../../../common/protocol/console.js';
import { roundSeconds, roundTraffic } from '../format.js';

const COLUMNS = [
  'round',
  'best',
  'split',
  'metric',
  'value',
  'low95',
  'high95',
  'clinics_returned',
  'clinics_invited',
  'photographs',
  'bytes_up',
  'bytes_down',
  'round_seconds',
  'evaluation_seconds',
];

export function metricsCsv({
  scores,
  rounds,
  best,
}: Pick<LiveStudy, 'scores' | 'rounds' | 'best'>): string {
  const closed = new Map(rounds.filter((r) => r.phase === 'closed').map((r) => [r.number, r]));
  const rows = scores.flatMap(({ round, seconds, ...splits }) => {
    const row = closed.get(round);
    const traffic = roundTraffic(rounds, round);
    const tail = row
      ? [
          row.returned,
          row.cohort,
          row.samples,
          traffic.up,
          traffic.down,
          roundSeconds(row) ?? '',
          seconds,
        ]
      : ['', '', '', '', '', '', seconds];
    return (['validation', 'heldout'] as const).flatMap((split) =>
      SCORE_NAMES.map((metric) => [
        round,
        round === best?.round ? 1 : 0,
        split,
        metric,
        ...splits[split][metric].map((v) => v ?? ''),
        ...tail,
      ]),
    );
  });
  return csvOf([COLUMNS, ...rows], '\r\n');
}
