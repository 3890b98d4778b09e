// A simulation's results: as one document, as metrics.csv, and as text.
import Table from 'cli-table3';
import { csvOf } from '../common/csv.js';
import type { EngineName } from '../common/engine/engine.js';
import { type Metrics, SCORE_NAMES } from '../common/evaluation/metrics.js';
import { type Paired, pairedText } from '../common/evaluation/paired.js';
import { headlineText, rowCells, scoreText, TABLE_STYLE } from '../common/reporting/round-table.js';
import type { SelectionMetric } from '../common/protocol/study.js';
import { isBetter, selectionScore } from '../common/federation/selection.js';
import type { SimulationConfig } from './config.js';
import type { BaselineRecord, RoundRecord } from './journal.js';
import { clinicName, type World } from './world.js';

/** out/simulation.json. */
export interface SimulationReport {
  readonly config: SimulationConfig;
  readonly engine: EngineName;
  readonly hashes: World['hashes'];
  readonly images: {
    readonly train: number;
    readonly validation: number;
    readonly heldout: number;
  };
  readonly partition: readonly {
    readonly clinic: string;
    readonly patients: number;
    readonly images: number;
    readonly byClass: Readonly<Record<string, number>>;
  }[];
  readonly rounds: readonly RoundRecord[];
  /** The round that validation chose so far; its held-out result is the one that counts. */
  readonly best: number | null;
  readonly baselines: readonly BaselineRecord[];
  /** Federated minus centralised on held-out, where both are there. */
  readonly paired: Paired | null;
}

/**
 * The round that validation chooses. The starting model, round 0, is no result of the study, and
 * may have been chosen on these very images before:
 * it counts only while it is the only one.
 */
export function bestRound(
  rounds: readonly RoundRecord[],
  select: SelectionMetric,
): RoundRecord | null {
  let best: RoundRecord | null = null;
  for (const round of rounds.length > 1 ? rounds.filter((r) => r.round > 0) : rounds)
    if (
      isBetter(
        selectionScore(round.validation, select),
        best && selectionScore(best.validation, select),
      )
    )
      best = round;
  return best;
}

export function reportOf(
  { config, engine, hashes, splits, shares, model }: World,
  done: {
    rounds: readonly RoundRecord[];
    baselines: readonly BaselineRecord[];
    paired: Paired | null;
  },
): SimulationReport {
  return {
    config,
    engine,
    hashes,
    images: {
      train: splits.train.length,
      validation: splits.validation.length,
      heldout: splits.heldout.length,
    },
    partition: shares.map((samples, k) => ({
      clinic: clinicName(k),
      patients: new Set(samples.map((s) => s.patient)).size,
      images: samples.length,
      byClass: Object.fromEntries(
        model.labels.names.map((name) => [name, samples.filter((s) => s.label === name).length]),
      ),
    })),
    best: bestRound(done.rounds, config.select)?.round ?? null,
    ...done,
  };
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const samplesOf = (round: RoundRecord): number => sum(round.updates.map((u) => u.samples));

const HEADLINE = [...SCORE_NAMES, 'ece'] as const;

/**
 * metrics.csv: a row a round; scores of both splits, mean training loss, bytes, seconds. An empty
 * cell: not defined.
 */
export function metricsCsv(rounds: readonly RoundRecord[]): string {
  const scores = (metrics: Metrics) => HEADLINE.map((name) => metrics[name]);
  const columns = [
    'round',
    ...['validation', 'heldout'].flatMap((split) => HEADLINE.map((name) => `${split}.${name}`)),
    'clinics',
    'samples',
    'loss',
    'bytesUp',
    'bytesDown',
    'seconds',
  ];
  const rows = rounds.map((r) => {
    const samples = samplesOf(r);
    const loss = samples > 0 ? sum(r.updates.map((u) => u.loss * u.samples)) / samples : null;
    return [
      r.round,
      ...scores(r.validation),
      ...scores(r.heldout),
      r.updates.length,
      samples,
      loss,
      r.bytesUp,
      r.bytesDown,
      r.seconds.toFixed(3),
    ];
  });
  return csvOf([columns, ...rows]);
}

/** A round's cells under ROUND_COLUMNS. @param best the round that validation has chosen so far */
export const cellsOf = (record: RoundRecord, best: number | null): string[] =>
  rowCells({
    ...record,
    best: record.round === best,
    clinics: record.round === 0 ? null : [record.updates.length, record.updates.length],
    samples: samplesOf(record),
  });

/** Who has what, before anything is trained. */
export function introduction({ config, engine, images, partition }: SimulationReport): string {
  const classes = Object.keys(partition[0]!.byClass);
  const table = new Table({ ...TABLE_STYLE, head: ['clinic', 'patients', 'images', ...classes] });
  for (const { clinic, patients, images: n, byClass } of partition)
    table.push([clinic, patients, n, ...classes.map((name) => byClass[name]!)]);
  const how = config.alpha === undefined ? 'IID' : `Dirichlet, alpha ${config.alpha}`;
  return [
    `${config.data}: ${images.train} training images at ${partition.length} clinics (${how}, seed ${config.seed}), ${images.validation} for validation, ${images.heldout} held out; engine ${engine}.`,
    table.toString(),
  ].join('\n');
}

/** What came out, after the rows of the rounds. */
export function conclusion({ rounds, best, baselines, paired, config }: SimulationReport): string {
  const chosen = rounds.find((r) => r.round === best)!;
  const lines = [
    `* chosen by validation (${config.select})`,
    headlineText(chosen.round, chosen.heldout),
  ];
  if (baselines.length > 0)
    lines.push(
      '',
      comparison(chosen, baselines, sum(rounds.map(samplesOf)) * config.training.epochs),
    );
  if (paired) lines.push(federatedMinus('centralised', paired));
  return lines.join('\n');
}

function comparison(
  chosen: RoundRecord,
  baselines: readonly BaselineRecord[],
  seen: number,
): string {
  const table = new Table({
    ...TABLE_STYLE,
    head: ['held-out', 'bal.acc', 'AUC mal.', 'weighted F1', 'acc', 'images seen', 'chosen'],
  });
  const scores = (m: Metrics) =>
    [m.balancedAccuracy, m.malignantAuc, m.weightedF1, m.accuracy].map(scoreText);
  table.push(['federated', ...scores(chosen.heldout), seen, `round ${chosen.round}`]);
  for (const { name, heldout, seen: own, epoch, epochs } of baselines)
    table.push([name, ...scores(heldout), own, `epoch ${epoch} of ${epochs}`]);
  return table.toString();
}

/** As a sentence. */
export const federatedMinus = (other: string, paired: Paired): string =>
  `Federated minus ${other}, paired over held-out patients: ${pairedText(paired)}.`;
