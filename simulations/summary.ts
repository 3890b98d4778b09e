// Several simulations of one study, under several seeds: their scores side by side, their means, and federated against centralised.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Table from 'cli-table3';
import { LentigoError } from '../common/errors.js';
import { TABLE_STYLE } from '../common/learning/round-table.js';
import { meanOf, SCORE_TITLES, scoreCells, type ScoreRow, scoresOf } from '../common/learning/score-row.js';
import { loadModel } from '../common/model/folder.node.js';
import { CENTRALISED } from './baseline.js';
import { predictionsPath, readPredictions } from '../common/learning/predictions.node.js';
import { type Paired, pairedOf } from '../common/learning/paired.js';
import { federatedMinusCentralised, type SimulationReport } from './report.js';

export interface Summary {
  readonly runs: readonly { readonly out: string; readonly seed: number; readonly federated: ScoreRow; readonly centralised: ScoreRow }[];
  readonly mean: { readonly federated: ScoreRow; readonly centralised: ScoreRow };
  /** Of the means over the runs. */
  readonly paired: Paired;
}

/**
 * Summarises finished simulations with baselines: same data, held-out images and settings, other seeds.
 * @param outs their folders
 * @throws LENTIGO_USAGE a folder holds none, or one that isn't finished; LENTIGO_SIMULATION_OTHER their held-out images differ
 */
export async function summarise(outs: readonly string[]): Promise<Summary> {
  const runs: Summary['runs'][number][] = [];
  const pairs = [];
  const { labels } = await loadModel(join(outs[0]!, 'best'));
  for (const out of outs) {
    const text = await readFile(join(out, 'simulation.json'), 'utf8').catch((cause: unknown) => {
      throw new LentigoError('LENTIGO_USAGE', `${out} holds no simulation`, { cause });
    });
    const report = JSON.parse(text) as SimulationReport;
    const federated = report.rounds.find((r) => r.round === report.best);
    const centralised = report.baselines.find((b) => b.name === CENTRALISED);
    if (!federated || !centralised || report.paired === null) throw new LentigoError('LENTIGO_USAGE', `${out} holds a simulation that is not finished, or has no --baselines`);
    runs.push({ out, seed: report.config.seed, federated: scoresOf(federated.heldout), centralised: scoresOf(centralised.heldout) });
    pairs.push({ a: await readPredictions(predictionsPath(out, 'federated'), labels), b: await readPredictions(predictionsPath(out, CENTRALISED), labels) });
  }
  const ids = pairs.map(({ a }) => a.ids.join());
  const other = ids.findIndex((own) => own !== ids[0]);
  if (other > 0) throw new LentigoError('LENTIGO_SIMULATION_OTHER', `${outs[0]} and ${outs[other]} hold out different images`);
  const mean = { federated: meanOf(runs.map((r) => r.federated)), centralised: meanOf(runs.map((r) => r.centralised)) };
  return { runs, mean, paired: pairedOf(pairs, labels, 0) };
}

export function summaryText({ runs, mean, paired }: Summary): string {
  const table = new Table({ ...TABLE_STYLE, head: ['held-out', 'seed', ...SCORE_TITLES] });
  const add = (name: string, seed: string, row: ScoreRow) => table.push([name, seed, ...scoreCells(row)]);
  for (const kind of ['federated', 'centralised'] as const) {
    for (const run of runs) add(kind, String(run.seed), run[kind]);
    add(kind, 'mean', mean[kind]);
  }
  return `${table.toString()}\n${federatedMinusCentralised(paired)}`;
}
