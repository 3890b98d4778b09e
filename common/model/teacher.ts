// The teacher: an architecture of the registry as its backbone, and a head that also reads what the
// clinic knows of the patient. It stays with the coordinator; only what it taught travels.
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import type { Sample } from '../dataset/sample.js';
import { compiled } from '../engine/compiled.js';
import { LentigoError } from '../errors.js';
import type { Random } from '../random.js';
import { ParameterSet, type ParameterSpec } from '../update/parameter-set.js';
import { networkOf } from './architecture.js';
import { ArchitectureId } from './architecture-id.js';
import { createBackbone, type OnEngine } from './backbone.js';
import type { LabelSet } from './labels.js';
import { fillInitial, type Weight } from './layers/layer.js';
import { MetadataEncoding } from './metadata.js';
import { blockWeights, poolWeights } from './network.js';
import type { Classifier, Trace } from './student.js';
import { type Dropout, teacherHead } from './teacher-head.js';

export const TeacherDesign = z
  .strictObject({
    /** The backbone's. */
    architecture: ArchitectureId,
    /** Whether CBAM follows the backbone's last activations. */
    attention: z.boolean(),
    /**
     * Width of the layer that joins photograph and metadata; 0: none, the backbone's own dense
     * layer classifies.
     */
    fused: z.int().min(0).max(4096),
    /** If absent, the teacher reads photographs only. */
    metadata: MetadataEncoding.optional(),
  })
  .refine((design) => design.fused > 0 || !design.metadata, {
    message: 'metadata needs a layer to be fused in',
  });
export type TeacherDesign = z.infer<typeof TeacherDesign>;

/** A teacher independent of any engine: what is stored. */
export interface TeacherModel {
  readonly design: TeacherDesign;
  readonly labels: LabelSet;
  readonly parameters: ParameterSet;
}

export interface Teacher extends Classifier, OnEngine {
  readonly design: TeacherDesign;
  /**
   * Like a student's. Maps are the blocks' outputs, the last one after attention; the embedding is
   * the fused layer.
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

const teacherWeights = (design: TeacherDesign, classes: number): Weight[] => [
  ...networkOf(design.architecture).blocks.flatMap(blockWeights),
  ...teacherHead(design, classes).weights,
];

/**
 * Names and shapes of a teacher's parameters: the backbone's blocks under their published names,
 * then attention.*, metadata.* and fusion.*.
 */
export const teacherSpecs = (design: TeacherDesign, classes: number): ParameterSpec[] =>
  teacherWeights(design, classes).map(({ name, shape }) => ({ name, shape }));

/**
 * Names of the parameters that a teacher shares with every model of its architecture: those of the
 * blocks and of pooling.
 */
export function backboneNames(architecture: ArchitectureId): Set<string> {
  const { blocks, head } = networkOf(architecture);
  return new Set([...blocks.flatMap(blockWeights), ...poolWeights(head)].map(({ name }) => name));
}

/**
 * Initial parameters: taken from `start` if it has one of the same name (a backbone, or another
 * such teacher), otherwise drawn.
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
 * A teacher on the current engine.
 * @throws LENTIGO_WEIGHTS_INVALID when the parameters don't fit the design and labels
 */
export function createTeacher({ design, labels, parameters }: TeacherModel): Teacher {
  const { architecture, metadata } = design;
  const classes = labels.names.length;
  const specs = teacherSpecs(design, classes);
  const backbone = createBackbone(`a teacher on ${architecture}`, architecture, specs, parameters);
  const { lookup, model } = backbone;
  const head = teacherHead(design, classes);
  const lastBlock = networkOf(architecture).blocks.at(-1)!.name;

  /** The blocks' outputs, the last as attention leaves it. */
  const look = (
    x: tf.Tensor,
    trainFrom: string,
    batchStatistics: boolean,
  ): Map<string, tf.Tensor4D> => {
    const context = backbone.context(batchStatistics);
    const { maps, last } = backbone.trace(x, trainFrom, context);
    return maps.set(
      lastBlock,
      head.attention.reduce((y, layer) => layer.forward(y, context), last),
    );
  };
  const compiledLook: typeof look = (x, trainFrom, batchStatistics) => {
    const passed = backbone.passed(trainFrom);
    const weights = [
      ...passed.flatMap(blockWeights),
      ...head.attention.flatMap((layer) => layer.weights),
    ].map(({ name }) => lookup(name) as tf.Variable);
    const names = passed.length > 0 ? passed.map(({ name }) => name) : [lastBlock];
    const maps = compiled(
      `teacher ${architecture} ${head.attention.length} ${trainFrom} ${batchStatistics}`,
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
    return { maps, ...head.classify(maps.get(lastBlock)!, samples, lookup, dropout) };
  };

  return {
    ...model,
    design,
    labels,
    trace,
    logits(x, trainFrom = model.blocks[0]!, samples) {
      if (!samples && metadata)
        throw new LentigoError(
          'LENTIGO_DATA_METADATA_INVALID',
          'the teacher reads clinical metadata, and was given pictures alone',
        );
      return tf.tidy(() => trace(x, trainFrom, samples ?? []).logits);
    },
  };
}
