// A photograph as the clinic keeps it: the original bytes, what is known about the lesion in
// PAD-UFES-20's columns, and what the quality checks found.
import { z } from 'zod';
import { numberOf } from '../../../common/dataset/cells.js';
import { labelOf } from '../../../common/dataset/diagnoses.js';
import { Row } from '../../../common/dataset/pad-ufes.js';
import { PICTURE_TYPES } from '../../../common/images/file-type.js';
import type { LabelSet } from '../../../common/model/labels.js';
import { Sha256 } from '../../../common/protocol/primitives.js';

/** The published columns except the image's name, each as text, as in metadata.csv. */
export const FIELDS = Object.keys(Row.shape).filter((column) => column !== 'img_id') as Field[];
export type Field = Exclude<keyof Row, 'img_id'>;
export type Fields = Partial<Record<Field, string>>;

const Finding = z.strictObject({
  problem: z.enum(['too-small', 'blurred', 'too-dark', 'too-bright', 'no-lesion']),
  severe: z.boolean(),
});

export const Photograph = z.strictObject({
  id: z.uuid(),
  /** The image's name without its extension, unique in this collection. */
  name: z.string().min(1).max(200),
  type: z.enum(Object.values(PICTURE_TYPES).map(({ mime }) => mime)),
  bytes: z.int(),
  sha256: Sha256,
  width: z.int(),
  height: z.int(),
  added: z.iso.datetime(),
  quality: z.array(Finding),
  fields: z.partialRecord(z.enum(FIELDS as [Field, ...Field[]]), z.string()),
});
export type Photograph = z.infer<typeof Photograph>;

/** PAD-UFES-20's names of body regions. */
export const REGIONS = [
  'ABDOMEN',
  'ARM',
  'BACK',
  'CHEST',
  'EAR',
  'FACE',
  'FOOT',
  'FOREARM',
  'HAND',
  'LIP',
  'NECK',
  'NOSE',
  'SCALP',
  'THIGH',
] as const;

/**
 * The photograph's diagnosis in the study's labels; undefined if it has none, or one that the study
 * doesn't know. The recorded diagnosis stays unchanged.
 */
export const labelIn = ({ diagnostic }: Fields, labels: LabelSet): string | undefined =>
  diagnostic === undefined ? undefined : labelOf(diagnostic, labels);
/** Whether its diagnosis is unknown to the study: it is then kept, but not trained on. */
export const isForeign = ({ fields }: Photograph, labels: LabelSet): boolean =>
  fields.diagnostic !== undefined && labelIn(fields, labels) === undefined;
/**
 * Whether it is used for training: its diagnosis is one of the study's, and its table doesn't
 * reserve it for validation.
 */
export const trains = ({ fields }: Photograph, labels: LabelSet): boolean =>
  labelIn(fields, labels) !== undefined && (fields.split ?? 'train') === 'train';

/** What is wrong with a field's text, or undefined. */
export function fieldProblem(field: Field, value: string): string | undefined {
  const parsed = Row.shape[field].safeParse(value);
  return parsed.success ? undefined : parsed.error.issues[0]!.message;
}

/** The fields whose text doesn't fit. */
export const invalidFields = (fields: Fields): Field[] =>
  (Object.keys(fields) as Field[]).filter(
    (field) => fields[field] && fieldProblem(field, fields[field]) !== undefined,
  );

const NUMBERS: readonly string[] = ['age', 'diameter_1', 'diameter_2'] satisfies Field[];

/** The fields that are filled in; numbers with a decimal point, as the published table has them. */
export const withoutEmpty = (fields: Fields): Fields =>
  Object.fromEntries(
    Object.entries(fields)
      .map(([field, value]) => {
        const text = value.trim();
        return [field, NUMBERS.includes(field) ? String(numberOf(text) ?? text) : text] as const;
      })
      .filter(([, value]) => value !== ''),
  );
