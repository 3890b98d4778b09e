// A model's held-out predictions as a table, one row an image: what comparing two models image by
// image needs.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { csvOf } from '../csv.js';
import { writeDurably } from '../files/durable.node.js';
import type { Evaluated } from './evaluate.js';
import type { LabelSet } from '../model/labels.js';

/**
 * Where they lie in a folder of results, by the model's name: federated, centralised, a clinic,
 * student, teacher-1.
 */
export const predictionsPath = (out: string, name: string): string =>
  join(out, `predictions-${name}.csv`);

/** Columns: id, patient, label, and p(…) of each class, to the last digit. */
function predictionsCsv(
  { ids, patients, labels, probabilities }: Evaluated,
  { names }: LabelSet,
): string {
  const rows = ids.map((id, i) => [id, patients[i]!, names[labels[i]!]!, ...probabilities[i]!]);
  return csvOf([['id', 'patient', 'label', ...names.map((name) => `p(${name})`)], ...rows]);
}

export const writePredictions = (
  path: string,
  predictions: Evaluated,
  labels: LabelSet,
): Promise<void> => writeDurably(path, predictionsCsv(predictions, labels));

export async function readPredictions(path: string, { names }: LabelSet): Promise<Evaluated> {
  const rows: string[][] = parse(await readFile(path), { from_line: 2 });
  return {
    ids: rows.map((row) => row[0]!),
    patients: rows.map((row) => row[1]!),
    labels: rows.map((row) => names.indexOf(row[2]!)),
    probabilities: rows.map((row) => row.slice(3).map(Number)),
  };
}
