// Several simulations of one study, under several seeds: their scores side by side, their means,
// and, where they have baselines, federated against all data in one place and against each clinic
// alone.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Table from 'cli-table3';
import { LentigoError } from '../common/errors.js';
import { TABLE_STYLE } from '../common/reporting/round-table.js';
import {
  meanOf,
  SCORE_TITLES,
  scoreCells,
  type ScoreRow,
  scoresOf,
} from '../common/reporting/score-row.js';
import { loadModel } from '../common/model/folder.node.js';
import { CENTRALISED } from './baseline.js';
import { predictionsPath, readPredictions } from '../common/evaluation/predictions.node.js';
import { type Pair, type Paired, pairedOf } from '../common/evaluation/paired.js';
import { federatedMinus, type SimulationReport } from './report.js';

/** What one simulation, or the mean of several, compares. */
interface Compared {
  /** The model that all started from. */
  readonly start: ScoreRow;
  readonly federated: ScoreRow;
  /** null without baselines, as `alone`. */
  readonly centralised: ScoreRow | null;
  /** The mean over the clinics' own models. */
  readonly alone: ScoreRow | null;
}

export interface Summary {
  readonly runs: readonly ({ readonly out: string; readonly seed: number } & Compared)[];
  readonly mean: Compared;
  /**
   * Federated minus each of the others, of the means over the runs (and their clinics); null
   * without baselines.
   */
  readonly paired: Readonly<Record<'centralised' | 'alone', Paired>> | null;
}

/**
 * Summarises finished simulations, all with baselines or none: same data, held-out images and
 * settings, other seeds.
 * @param outs their folders
 * @throws LENTIGO_USAGE a folder holds none, one that isn't finished, or alone lacks baselines;
 *   LENTIGO_SIMULATION_OTHER their held-out images differ
 */
export async function summarise(outs: readonly string[]): Promise<Summary> {
  const runs: Summary['runs'][number][] = [];
  const ids: string[] = [];
  const pairs: { readonly centralised: Pair[]; readonly alone: Pair[] } = {
    centralised: [],
    alone: [],
  };
  const reports = await Promise.all(outs.map(reportIn));
  const { labels } = await loadModel(join(outs[0]!, 'best'));
  const compared = reports.some((report) => report.baselines.length > 0);
  for (const [i, report] of reports.entries()) {
    const out = outs[i]!;
    const start = report.rounds.find((r) => r.round === 0);
    const federated = report.rounds.find((r) => r.round === report.best);
    if (!start || !federated || report.rounds.length <= report.config.rounds)
      throw new LentigoError('LENTIGO_USAGE', `${out} holds a simulation that is not finished`);
    const centralised = report.baselines.find((b) => b.name === CENTRALISED);
    const alone = report.baselines.filter((b) => b.name !== CENTRALISED);
    if (compared && (!centralised || alone.length < report.partition.length))
      throw new LentigoError(
        'LENTIGO_USAGE',
        `${out} holds a simulation that has no --baselines, or not yet all of them, and another has: run it with --baselines, or leave it out`,
      );
    runs.push({
      out,
      seed: report.config.seed,
      start: scoresOf(start.heldout),
      federated: scoresOf(federated.heldout),
      centralised: centralised ? scoresOf(centralised.heldout) : null,
      alone: compared ? meanOf(alone.map((b) => scoresOf(b.heldout))) : null,
    });
    const predictionsOf = (name: string) => readPredictions(predictionsPath(out, name), labels);
    const a = await predictionsOf('federated');
    ids.push(a.ids.join());
    if (!compared) continue;
    pairs.centralised.push({ a, b: await predictionsOf(CENTRALISED) });
    for (const { name } of alone) pairs.alone.push({ a, b: await predictionsOf(name) });
  }
  const other = ids.findIndex((own) => own !== ids[0]);
  if (other > 0)
    throw new LentigoError(
      'LENTIGO_SIMULATION_OTHER',
      `${outs[0]} and ${outs[other]} hold out different images`,
    );
  const meanOver = (kind: keyof Compared) => meanOf(runs.map((run) => run[kind]!));
  const mean = {
    start: meanOver('start'),
    federated: meanOver('federated'),
    centralised: compared ? meanOver('centralised') : null,
    alone: compared ? meanOver('alone') : null,
  };
  return {
    runs,
    mean,
    paired: compared
      ? {
          centralised: pairedOf(pairs.centralised, labels, 0),
          alone: pairedOf(pairs.alone, labels, 0),
        }
      : null,
  };
}

/** @throws LENTIGO_USAGE the folder holds none */
async function reportIn(out: string): Promise<SimulationReport> {
  try {
    return JSON.parse(await readFile(join(out, 'simulation.json'), 'utf8')) as SimulationReport;
  } catch (cause) {
    throw new LentigoError('LENTIGO_USAGE', `${out} holds no simulation`, { cause });
  }
}

const KINDS: Readonly<Record<keyof Compared, string>> = {
  start: 'at the start',
  federated: 'federated',
  centralised: 'centralised',
  alone: 'a clinic alone',
};

export function summaryText({ runs, mean, paired }: Summary): string {
  const table = new Table({ ...TABLE_STYLE, head: ['held-out', 'seed', ...SCORE_TITLES] });
  const add = (name: string, seed: string, row: ScoreRow) =>
    table.push([name, seed, ...scoreCells(row)]);
  for (const [kind, name] of Object.entries(KINDS) as [keyof Compared, string][]) {
    const average = mean[kind];
    if (!average) continue;
    for (const run of runs) add(name, String(run.seed), run[kind]!);
    add(name, 'mean', average);
  }
  return [
    table.toString(),
    ...(paired
      ? [
          federatedMinus(KINDS.centralised, paired.centralised),
          federatedMinus(KINDS.alone, paired.alone),
        ]
      : ['Without --baselines there is nothing to compare the federation with but its start.']),
  ].join('\n');
}
