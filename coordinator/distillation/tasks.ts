// The training tasks: a teacher learns from the labels, a student from the labels and the teachers'
// outputs.
import * as tf from '@tensorflow/tfjs';
import type { Sample } from '../../common/dataset/sample.js';
import { classBalance } from '../../common/training/class-balance.js';
import {
  attentionLoss,
  attentionMap,
  featureLoss,
  type Projection,
  softTargetLoss,
} from '../../common/training/distillation-losses.js';
import { predictSamples } from '../../common/evaluation/evaluate.js';
import type { Example } from '../../common/training/features.js';
import { focalLoss } from '../../common/training/focal-loss.js';
import { metricsOf } from '../../common/evaluation/metrics.js';
import { labelIndex } from '../../common/training/train.js';
import type { Classifier, Student } from '../../common/model/student.js';
import type { Teacher } from '../../common/model/teacher.js';
import type { Task } from './fit.js';
import type { Losses, Recipe, TeacherPlan } from './recipe.js';
import type { Pairing, TeacherOutputs } from './teacher-outputs.js';

export interface Splits {
  readonly train: readonly Sample[];
  readonly validation: readonly Sample[];
  readonly heldout: readonly Sample[];
}

/** What the student learns from besides the labels. */
export interface Teaching {
  readonly losses: Losses;
  readonly outputs: TeacherOutputs;
  readonly pairings: readonly Pairing[];
  /** Absent if features aren't compared. */
  readonly projection?: Projection & { readonly weight: tf.Variable; readonly bias: tf.Variable };
}

/** Focal loss on the labels, with rare diagnoses balanced as the recipe says. */
function labelLoss(
  model: Pick<Classifier, 'labels'>,
  samples: readonly Sample[],
  { balance, focalGamma }: Recipe,
): (logits: tf.Tensor2D, examples: readonly Example[]) => tf.Scalar {
  const label = labelIndex(model);
  const counts = model.labels.names.map(
    (_, c) => samples.filter((sample) => label(sample) === c).length,
  );
  const { weights, offsets } = classBalance(counts, balance);
  return (logits, examples) =>
    focalLoss(
      tf.add(logits, tf.tensor1d([...offsets])),
      tf.tensor1d(
        examples.map(({ sample }) => label(sample)),
        'int32',
      ),
      focalGamma,
      tf.tensor1d([...weights]),
    );
}

const evaluation =
  (model: Classifier, { validation }: Splits): Task['evaluate'] =>
  async (options) =>
    metricsOf(await predictSamples(model, validation, options), model.labels, 1, 'choose');

/** Trains a teacher on the labels alone. */
export function teacherTask(
  teacher: Teacher,
  splits: Splits,
  recipe: Recipe,
  { phases, dropout }: TeacherPlan,
  fromScratch: boolean,
): Task {
  const loss = labelLoss(teacher, splits.train, recipe);
  return {
    model: teacher,
    extra: {},
    phases,
    samples: splits.train,
    variants: recipe.variants,
    fromScratch,
    loss({ x, trainFrom, examples, batchStatistics, compiled, random }) {
      const { logits } = teacher.trace(
        x,
        trainFrom,
        examples.map(({ sample }) => sample),
        { batchStatistics, compiled, dropout: { rate: dropout, random } },
      );
      return loss(logits, examples);
    },
    evaluate: evaluation(teacher, splits),
  };
}

/**
 * Trains a student on the labels and, with `teaching`, on the teachers' outputs for the same
 * augmented photographs.
 */
export function studentTask(
  student: Student,
  splits: Splits,
  recipe: Recipe,
  teaching: Teaching | undefined,
  fromScratch: boolean,
): Task {
  const onLabels = labelLoss(student, splits.train, recipe);
  const rows = new Map<Example, Float32Array>();
  const projection = teaching?.projection;
  return {
    model: student,
    extra: projection ? { weight: projection.weight, bias: projection.bias } : {},
    phases: recipe.student.phases,
    samples: splits.train,
    variants: recipe.variants,
    fromScratch,
    async prepare(examples) {
      if (!teaching) return;
      rows.clear();
      for (const [i, row] of (await teaching.outputs.rows(examples)).entries())
        rows.set(examples[i]!, row);
    },
    loss({ x, trainFrom, examples, batchStatistics, compiled }) {
      const { maps, embedding, logits } = student.trace(x, trainFrom, {
        batchStatistics,
        compiled,
      });
      const focal = onLabels(logits, examples);
      if (!teaching) return focal;
      const { losses, outputs, pairings } = teaching;
      const lesson = outputs.lesson(examples.map((example) => rows.get(example)!));
      const terms: [weight: number, term: () => tf.Scalar][] = [
        [1 - losses.alpha, () => focal],
        [losses.alpha, () => softTargetLoss(logits, lesson.logits, losses.temperature)],
        [losses.features, () => featureLoss(embedding, lesson.embedding, projection!)],
        ...pairings.map(({ student: block }, i): [number, () => tf.Scalar] => [
          losses.attention / pairings.length,
          () => attentionLoss(attentionMap(maps.get(block)!), lesson.maps[i]!),
        ]),
      ];
      return tf.addN(
        terms.filter(([weight]) => weight > 0).map(([weight, term]) => tf.mul(term(), weight)),
      ) as tf.Scalar;
    },
    evaluate: evaluation(student, splits),
  };
}
