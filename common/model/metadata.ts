// Clinical metadata as a network's input: numbers standardised, categories as indices, missing
// values distinguished from all others.
import { z } from 'zod';
import type { Clinical, Sample } from '../dataset/sample.js';
import { LentigoError } from '../errors.js';

/** The metadata columns that a teacher reads. */
export interface MetadataColumns {
  readonly numbers: readonly string[];
  readonly categories: readonly string[];
}

/**
 * Stored in the teacher: the training split's statistics, and the categories in the order of their
 * indices (0 means missing).
 */
export const MetadataEncoding = z.strictObject({
  numbers: z.array(
    z.strictObject({ column: z.string(), mean: z.number(), deviation: z.number().positive() }),
  ),
  categories: z.array(z.strictObject({ column: z.string(), values: z.array(z.string()) })),
});
export type MetadataEncoding = z.infer<typeof MetadataEncoding>;

/** The encoded records of n samples. */
export interface EncodedMetadata {
  /** [n × numbers], standardised; 0 where missing. */
  readonly numbers: Float32Array;
  /** [n × numbers]: 1 where missing. */
  readonly missing: Float32Array;
  /** For each category column, n indices. */
  readonly categories: readonly Int32Array[];
}

type Described = Pick<Sample, 'id' | 'clinical'>;

/**
 * The text of a column for one sample.
 * @throws LENTIGO_DATA_METADATA_INVALID naming the sample and the column that its archive lacks
 */
function valueOf({ id, clinical }: Described, column: string): Clinical[string] {
  if (!clinical || !(column in clinical))
    throw new LentigoError(
      'LENTIGO_DATA_METADATA_INVALID',
      `${id}: column ${column} is missing, which the teacher reads; a value may be empty, a column may not`,
    );
  return clinical[column];
}

function numberOf(sample: Described, column: string): number | undefined {
  const value = valueOf(sample, column);
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value;
  throw new LentigoError(
    'LENTIGO_DATA_METADATA_INVALID',
    `${sample.id}, column ${column}: ${String(value)} is not a number`,
  );
}

const textOf = (sample: Described, column: string): string | undefined =>
  valueOf(sample, column)?.toString();

/**
 * Fits the encoding. Statistics come from the training samples only; categories come from all
 * samples (the embedding of a category without training samples stays as initialised).
 * @throws LENTIGO_DATA_METADATA_INVALID when a column is missing, or a number isn't one
 */
export function fitMetadata(
  columns: MetadataColumns,
  training: readonly Described[],
  all: readonly Described[],
): MetadataEncoding {
  return {
    numbers: columns.numbers.map((column) => {
      const values = training
        .map((sample) => numberOf(sample, column))
        .filter((value) => value !== undefined);
      const mean = values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
      const variance =
        values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / Math.max(1, values.length);
      return { column, mean, deviation: Math.sqrt(variance) || 1 };
    }),
    categories: columns.categories.map((column) => {
      const values = all
        .map((sample) => textOf(sample, column))
        .filter((value) => value !== undefined);
      return { column, values: [...new Set(values)].sort() };
    }),
  };
}

/** Keeps the columns in which no training sample has a missing value. */
export function completeColumns(
  { numbers, categories }: MetadataColumns,
  training: readonly Described[],
): MetadataColumns {
  const complete = (column: string) =>
    training.every((sample) => valueOf(sample, column) !== undefined);
  return { numbers: numbers.filter(complete), categories: categories.filter(complete) };
}

/**
 * Encodes the samples' records.
 * @throws LENTIGO_DATA_METADATA_INVALID when a column is missing, a number isn't one, or a category
 *   was never seen
 */
export function encodeMetadata(
  { numbers, categories }: MetadataEncoding,
  samples: readonly Described[],
): EncodedMetadata {
  const values = samples.flatMap((sample) => numbers.map(({ column }) => numberOf(sample, column)));
  return {
    numbers: Float32Array.from(values, (value, i) => {
      const { mean, deviation } = numbers[i % numbers.length]!;
      return value === undefined ? 0 : (value - mean) / deviation;
    }),
    missing: Float32Array.from(values, (value) => (value === undefined ? 1 : 0)),
    categories: categories.map(({ column, values: known }) =>
      Int32Array.from(samples, (sample) => {
        const value = textOf(sample, column);
        if (value === undefined) return 0;
        const index = known.indexOf(value);
        if (index < 0)
          throw new LentigoError(
            'LENTIGO_DATA_METADATA_INVALID',
            `${sample.id}, column ${column}: the teacher knows no "${value}"; known are ${known.join(', ')}`,
          );
        return index + 1;
      }),
    ),
  };
}
