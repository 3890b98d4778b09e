// The teacher: a backbone that also looks where CBAM tells it to, and reads what the clinic knows
// of the patient. It stays with the coordinator; only what it taught travels.
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { type Sample } from '../dataset/sample.js';
import { compiled } from '../engine/compiled.js';
import { gelu } from '../engine/ops.js';
import { LentigoError } from '../errors.js';
import type { Random } from '../random.js';
import { ParameterSet, type ParameterSpec } from '../update/parameter-set.js';
import { blockIndex, blockNames, isStatistic, networkOf } from './architecture.js';
import { ArchitectureId } from './architecture-id.js';
import { calibrate } from './calibrate.js';
import type { LabelSet } from './labels.js';
import { cbam } from './layers/attention.js';
import { byBatch } from './layers/batch-norm.js';
import { fillInitial, type Layer, type Parameters, type Weight } from './layers/layer.js';
import { encodeRecords, METADATA_FEATURES, metadataWeights } from './layers/metadata-encoder.js';
import { encodeMetadata, MetadataEncoding } from './metadata.js';
import { blockWeights, classify, denseWeights, pool, poolWeights } from './network.js';
import { type Classifier, type Student, type Trace, traceBlocks } from './student.js';
import { Variables } from './variables.js';

export const TeacherDesign = z
  .strictObject({
    /** Of the backbone. */
    architecture: ArchitectureId,
    /** CBAM on the backbone's last activations. */
    attention: z.boolean(),
    /**
     * Width of the layer in which photograph and metadata meet; 0: none, the backbone's own dense
     * layer classifies.
     */
    fused: z.int().min(0).max(4096),
    /** Absent: photographs only. */
    metadata: MetadataEncoding.optional(),
  })
  .refine((design) => design.fused > 0 || !design.metadata, {
    message: 'metadata needs a layer to be fused in',
  });
export type TeacherDesign = z.infer<typeof TeacherDesign>;

/** A teacher apart from any engine: what is stored. */
export interface TeacherModel {
  readonly design: TeacherDesign;
  readonly labels: LabelSet;
  readonly parameters: ParameterSet;
}

/** Zeroes features at random while training (Srivastava et al. 2014). */
export interface Dropout {
  readonly rate: number;
  readonly random: Random;
}

export interface Teacher
  extends
    Classifier,
    Pick<Student, 'trainable' | 'variables' | 'parameters' | 'load' | 'calibrate' | 'dispose'> {
  readonly design: TeacherDesign;
  /**
   * As a student's; maps are the blocks', the last as attention leaves it; the embedding is the
   * fused layer.
   */
  trace(
    x: tf.Tensor,
    trainFrom: string,
    samples: readonly Sample[],
    options?: {
      readonly batchStatistics?: boolean;
      readonly compiled?: boolean;
      readonly dropout?: Dropout;
    },
  ): Trace;
}

const ATTENTION = 'attention';

const attentionOf = ({ architecture, attention }: TeacherDesign): Layer[] =>
  attention ? [cbam(ATTENTION, networkOf(architecture).head.channels)] : [];

/** What follows the blocks. */
function headWeights(design: TeacherDesign, classes: number): Weight[] {
  const { head } = networkOf(design.architecture);
  const { fused, metadata } = design;
  const before = [...attentionOf(design).flatMap(({ weights }) => weights), ...poolWeights(head)];
  if (fused === 0) return [...before, ...denseWeights(head, classes)];
  const inputs = head.channels + (metadata ? METADATA_FEATURES : 0);
  const dense = (name: string, from: number, to: number, deviation: number): Weight[] => [
    { name: `${name}.weight`, shape: [from, to], initial: { normal: deviation } },
    { name: `${name}.bias`, shape: [to], initial: { constant: 0 } },
  ];
  return [
    ...before,
    ...(metadata ? metadataWeights(metadata) : []),
    ...dense('fusion.fc1', inputs, fused, Math.sqrt(1 / inputs)),
    ...dense('fusion.fc2', fused, classes, 0.02),
  ];
}

const teacherWeights = (design: TeacherDesign, classes: number): Weight[] => [
  ...networkOf(design.architecture).blocks.flatMap(blockWeights),
  ...headWeights(design, classes),
];

/**
 * Names and shapes of a teacher's parameters: the backbone's blocks under their published names,
 * then attention.*, metadata.* and fusion.*.
 */
export const teacherSpecs = (design: TeacherDesign, classes: number): ParameterSpec[] =>
  teacherWeights(design, classes).map(({ name, shape }) => ({ name, shape }));

/**
 * Names of the parameters that a teacher shares with every model of its architecture: the blocks'
 * and pooling's.
 */
export function backboneNames(architecture: ArchitectureId): Set<string> {
  const { blocks, head } = networkOf(architecture);
  return new Set([...blocks.flatMap(blockWeights), ...poolWeights(head)].map(({ name }) => name));
}

/**
 * Drawn, and taken from `start` where that has a parameter of the name: a backbone's, or another
 * such teacher's.
 */
export function initialTeacher(
  design: TeacherDesign,
  labels: LabelSet,
  random: Random,
  start?: ParameterSet,
): TeacherModel {
  const parameters = new ParameterSet(teacherSpecs(design, labels.names.length));
  for (const { name, initial } of teacherWeights(design, labels.names.length)) {
    if (start?.has(name)) parameters.get(name).set(start.get(name));
    else fillInitial(parameters.get(name), initial, random.fork('initial', name));
  }
  return { design, labels, parameters };
}

/**
 * A teacher on the current engine. @throws LENTIGO_WEIGHTS_INVALID when the parameters don't fit
 * the design and labels.
 */
export function createTeacher({ design, labels, parameters }: TeacherModel): Teacher {
  const { architecture, fused, metadata } = design;
  const { inputSize, blocks, head } = networkOf(architecture);
  const classes = labels.names.length;
  const specs = teacherSpecs(design, classes);
  const variables = new Variables(`a teacher on ${architecture}`, specs, parameters);
  const lookup: Parameters = variables.get;
  const attention = attentionOf(design);
  const names = blockNames(architecture);
  const trainable = (trainFrom: string): string[] => {
    const frozen = new Set(
      blocks
        .slice(0, blockIndex(architecture, trainFrom))
        .flatMap(blockWeights)
        .map(({ name }) => name),
    );
    return specs.map(({ name }) => name).filter((name) => !isStatistic(name) && !frozen.has(name));
  };

  const lastBlock = blocks.at(-1)!.name;
  /** Its blocks' outputs, the last as attention leaves it. */
  const look = (
    x: tf.Tensor,
    trainFrom: string,
    batchStatistics: boolean,
  ): Map<string, tf.Tensor4D> => {
    const context = { parameters: lookup, ...(batchStatistics && { normalise: byBatch }) };
    const { maps, last } = traceBlocks(
      blocks.slice(blockIndex(architecture, trainFrom)),
      x as tf.Tensor4D,
      context,
    );
    return maps.set(
      lastBlock,
      attention.reduce((y, layer) => layer.forward(y, context), last),
    );
  };
  const compiledLook: typeof look = (x, trainFrom, batchStatistics) => {
    const passed = blocks.slice(blockIndex(architecture, trainFrom));
    const weights = [
      ...passed.flatMap(blockWeights),
      ...attention.flatMap((layer) => layer.weights),
    ].map(({ name }) => lookup(name) as tf.Variable);
    const names = passed.length > 0 ? passed.map(({ name }) => name) : [lastBlock];
    const maps = compiled(
      `teacher ${architecture} ${attention.length} ${trainFrom} ${batchStatistics}`,
      x,
      weights,
      () => {
        const all = look(x, trainFrom, batchStatistics);
        return names.map((name) => all.get(name)!);
      },
    ) as tf.Tensor4D[];
    return new Map(names.map((name, i) => [name, maps[i]!]));
  };

  const trace: Teacher['trace'] = (
    x,
    trainFrom,
    samples,
    { batchStatistics = false, dropout, ...options } = {},
  ) => {
    const maps = (options.compiled ? compiledLook : look)(x, trainFrom, batchStatistics);
    const pooled = pool(maps.get(lastBlock)!, head, lookup);
    if (fused === 0) {
      const embedding = dropped(pooled, dropout);
      return { maps, embedding, logits: classify(embedding, head, lookup) };
    }
    const together = metadata
      ? tf.concat(
          [
            pooled,
            encodeRecords(encodeMetadata(metadata, samples), metadata, samples.length, lookup),
          ],
          1,
        )
      : pooled;
    const dense = (y: tf.Tensor2D, name: string): tf.Tensor2D =>
      tf.add(tf.matMul(y, lookup(`${name}.weight`) as tf.Tensor2D), lookup(`${name}.bias`));
    const embedding = gelu(dense(dropped(together, dropout), 'fusion.fc1'));
    return { maps, embedding, logits: dense(dropped(embedding, dropout), 'fusion.fc2') };
  };

  return {
    design,
    labels,
    inputSize,
    blocks: names,
    trainable,
    trace,
    variables: (trainFrom) => trainable(trainFrom).map(lookup) as tf.Variable[],
    features: (x, trainFrom) =>
      tf.tidy(() =>
        tf.clone(
          traceBlocks(blocks.slice(0, blockIndex(architecture, trainFrom)), x, {
            parameters: lookup,
          }).last,
        ),
      ),
    logits(x, trainFrom = names[0]!, samples) {
      if (!samples && metadata)
        throw new LentigoError(
          'LENTIGO_DATA_METADATA_INVALID',
          'the teacher reads clinical metadata, and was given pictures alone',
        );
      return tf.tidy(() => trace(x, trainFrom, samples ?? []).logits);
    },
    parameters: () => variables.read(),
    load: (given) => variables.load(given),
    calibrate: (batches) =>
      calibrate(batches, blocks, lookup, (name, values) => variables.assign(name, values)),
    dispose: () => variables.dispose(),
  };
}

function dropped(x: tf.Tensor2D, dropout: Dropout | undefined): tf.Tensor2D {
  if (!dropout || dropout.rate === 0) return x;
  const { rate, random } = dropout;
  return tf.mul(
    x,
    tf.tensor2d(
      Float32Array.from({ length: x.size }, () => (random.chance(rate) ? 0 : 1 / (1 - rate))),
      x.shape,
    ),
  );
}
