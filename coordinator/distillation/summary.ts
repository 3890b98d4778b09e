// Compares several finished distillations: rows of the same kind averaged over seeds or folds, and
// each student's gain over the one without a teacher.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Table from 'cli-table3';
import { z } from 'zod';
import { LentigoError } from '../../common/errors.js';
import type { Evaluated } from '../../common/evaluation/evaluate.js';
import { metricsOf } from '../../common/evaluation/metrics.js';
import { type Paired, pairedOf, pairedText } from '../../common/evaluation/paired.js';
import { predictionsPath, readPredictions } from '../../common/evaluation/predictions.node.js';
import { scoreText, TABLE_STYLE } from '../../common/reporting/round-table.js';
import {
  meanOf,
  SCORE_TITLES,
  scoreCells,
  type ScoreRow,
  scoresOf,
} from '../../common/reporting/score-row.js';
import { LabelSet } from '../../common/model/labels.js';

/** The basis of choices: the scores of the best epoch on the validation images. */
const Validation = z.object({
  balancedAccuracy: z.number().nullable(),
  malignantAuc: z.number().nullable(),
});
type Validation = z.infer<typeof Validation>;

/** The fields of distillation.json that decide to which row a result belongs. */
const Finished = z.looseObject({
  settings: z.looseObject({
    recipe: z.looseObject({ name: z.string(), labels: LabelSet, metadata: z.unknown().optional() }),
    teacher: z.string().nullable(),
    losses: z.array(z.string()),
    metadata: z.string(),
    seed: z.int(),
  }),
  trained: z.array(z.looseObject({ name: z.string(), validation: Validation })),
});

/** A finished model: its held-out predictions, and its validation scores. */
interface Part {
  readonly predictions: Evaluated;
  readonly validation: Validation;
}

export interface SummaryRow {
  /**
   * For example "student without teacher", "student of efficientnetv2-b0: logits, features",
   * "teacher-1 efficientnetv2-b0, metadata all".
   */
  readonly name: string;
  readonly seeds: readonly {
    readonly seed: number;
    readonly images: number;
    readonly scores: ScoreRow;
    readonly validation: Validation;
  }[];
  readonly mean: ScoreRow;
  readonly meanValidation: Validation;
  /**
   * For students: the score minus that of the student without a teacher, over the seeds of this
   * row. Null if there is no such student.
   */
  readonly gain: Paired | null;
}

const PLAIN = 'student without teacher';

function rowName(
  model: string,
  { recipe, teacher, losses, metadata }: z.infer<typeof Finished>['settings'],
): string {
  if (model !== 'student')
    return `${model} ${teacher}${recipe.metadata === undefined ? '' : `, metadata ${metadata}`}`;
  if (teacher === null) return PLAIN;
  return `student of ${teacher}: ${losses.join(', ')}${metadata === 'all' ? '' : `, its metadata ${metadata}`}`;
}

function joined(parts: readonly Part[]): Evaluated {
  const rows = parts.flatMap(({ predictions: { ids, patients, labels, probabilities } }) =>
    ids.map((id, i) => ({
      id,
      patient: patients[i]!,
      label: labels[i]!,
      probability: probabilities[i]!,
    })),
  );
  rows.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  return {
    ids: rows.map((r) => r.id),
    patients: rows.map((r) => r.patient),
    labels: rows.map((r) => r.label),
    probabilities: rows.map((r) => r.probability),
  };
}

/**
 * Summarises finished distillations. Results of one kind and seed on different held-out images,
 * such as the folds of a cross-validation, are pooled before they are scored; a teacher that taught
 * in several folders counts once.
 * @param outs folders of finished distillations with one preset
 * @throws LENTIGO_USAGE when a folder has no result, or one of another preset, or compared rows
 *   hold out different images
 */
export async function summarise(outs: readonly string[]): Promise<SummaryRow[]> {
  const rows = new Map<string, Map<number, Part[]>>();
  let first: { name: string; labels: LabelSet } | undefined;
  for (const out of outs) {
    const text = await readFile(join(out, 'distillation.json'), 'utf8').catch((cause: unknown) => {
      throw new LentigoError('LENTIGO_USAGE', `${out} holds no finished distillation`, { cause });
    });
    const { settings, trained } = Finished.parse(JSON.parse(text));
    const { recipe, seed } = settings;
    first ??= recipe;
    if (recipe.name !== first.name)
      throw new LentigoError(
        'LENTIGO_USAGE',
        `${outs[0]} is of the preset ${first.name}, ${out} of ${recipe.name}`,
      );
    for (const { name, validation } of trained) {
      const row = rowName(name, settings);
      const bySeed = rows.get(row) ?? new Map<number, Part[]>();
      rows.set(row, bySeed);
      const parts = bySeed.get(seed) ?? [];
      bySeed.set(seed, parts);
      const predictions = await readPredictions(predictionsPath(out, name), recipe.labels);
      if (!parts.some((part) => part.predictions.ids.includes(predictions.ids[0]!)))
        parts.push({ predictions, validation });
    }
  }
  const { labels } = first!;
  const whole = new Map(
    [...rows].map(([name, seeds]) => [
      name,
      new Map([...seeds].map(([seed, parts]) => [seed, joined(parts)])),
    ]),
  );
  return [...whole].map(([name, seeds]) => {
    const scored = [...seeds]
      .sort(([a], [b]) => a - b)
      .map(([seed, predictions]) => ({
        seed,
        images: predictions.ids.length,
        scores: scoresOf(metricsOf(predictions, labels, seed)),
        validation: meanOf(
          rows
            .get(name)!
            .get(seed)!
            .map((part) => part.validation),
        ),
      }));
    const plain = name !== PLAIN && name.startsWith('student') ? whole.get(PLAIN) : undefined;
    const pairs = [...seeds].flatMap(([seed, a]) => {
      const b = plain?.get(seed);
      if (b && b.ids.join() !== a.ids.join())
        throw new LentigoError(
          'LENTIGO_USAGE',
          `seed ${seed} of "${name}" and of "${PLAIN}" were held out on different images`,
        );
      return b ? [{ a, b }] : [];
    });
    return {
      name,
      seeds: scored,
      mean: meanOf(scored.map(({ scores }) => scores)),
      meanValidation: meanOf(scored.map(({ validation }) => validation)),
      gain: pairs.length > 0 ? pairedOf(pairs, labels, 0) : null,
    };
  });
}

const validationCells = ({ balancedAccuracy, malignantAuc }: Validation): string[] =>
  [balancedAccuracy, malignantAuc].map(scoreText);

export function summaryText(rows: readonly SummaryRow[]): string {
  const table = new Table({
    ...TABLE_STYLE,
    head: ['held-out', 'seed', 'images', ...SCORE_TITLES, '| validation: bal.acc', 'AUC mal.'],
  });
  for (const { name, seeds, mean, meanValidation: chosenBy } of rows) {
    for (const { seed, images, scores, validation } of seeds)
      table.push([
        name,
        String(seed),
        images,
        ...scoreCells(scores),
        ...validationCells(validation),
      ]);
    if (seeds.length > 1)
      table.push([name, 'mean', '', ...scoreCells(mean), ...validationCells(chosenBy)]);
  }
  const gains = rows.flatMap(({ name, gain }) => (gain ? [`  ${name}: ${pairedText(gain)}`] : []));
  return [
    table.toString(),
    ...(gains.length > 0
      ? [
          'Minus the student without teacher of the same seeds, paired over held-out patients:',
          ...gains,
        ]
      : []),
  ].join('\n');
}
