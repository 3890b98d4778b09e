// The student: the classifier that the coordinator sends and clinics fine-tune. It maps images to
// logits.
import * as tf from '@tensorflow/tfjs';
import type { Sample } from '../dataset/sample.js';
import type { Random } from '../random.js';
import { ParameterSet } from '../update/parameter-set.js';
import { compiled } from '../engine/compiled.js';
import {
  type ArchitectureId,
  networkOf,
  parameterSpecs,
  specsFrom,
  weightsOf,
} from './architecture.js';
import { createBackbone, type OnEngine } from './backbone.js';
import type { LabelSet } from './labels.js';
import { fillInitial } from './layers/layer.js';
import { classify, pool } from './network.js';
import type { Provenance } from './provenance.js';

export { type ArchitectureId, parameterSpecs } from './architecture.js';

/** A model independent of any engine: what is stored and sent, enough to build a student. */
export interface Model {
  readonly architecture: ArchitectureId;
  readonly labels: LabelSet;
  readonly parameters: ParameterSet;
  /** Where it comes from; absent where nothing is known. */
  readonly provenance?: Provenance | undefined;
}

/** What evaluation needs of a model. */
export interface Classifier extends Pick<OnEngine, 'inputSize' | 'blocks' | 'features'> {
  readonly labels: LabelSet;
  /**
   * What `features` gives → logits [n, classes], differentiable in the variables. `trainFrom`
   * defaults to the first block; `samples` are whose pictures they are, where clinical metadata is
   * read too.
   */
  logits(x: tf.Tensor, trainFrom?: string, samples?: readonly Sample[]): tf.Tensor2D;
}

/** Intermediate results of a forward pass, which distillation compares. */
export interface Trace {
  /** The output of each block passed through, [n, h, w, c]. */
  readonly maps: ReadonlyMap<string, tf.Tensor4D>;
  /** The input of the last dense layer, [n, c]. */
  readonly embedding: tf.Tensor2D;
  /** [n, classes] */
  readonly logits: tf.Tensor2D;
}

export interface Student extends Classifier, OnEngine {
  readonly architecture: ArchitectureId;
  /**
   * As `logits`, with what lies before them; in a tidy of the caller's.
   * `batchStatistics`: batch norm by the batch's own, for training from scratch; running statistics
   * stay as they are (`calibrate` estimates them afterwards).
   * `compiled`: as a whole, where the engine can; for many calls of one shape, differentiated in
   * the variables.
   */
  trace(
    x: tf.Tensor,
    trainFrom: string,
    options?: { readonly batchStatistics?: boolean; readonly compiled?: boolean },
  ): Trace;
  /** Like `logits`, compiled as in `trace`. */
  compiledLogits(x: tf.Tensor, trainFrom: string): tf.Tensor2D;
}

/**
 * A student on the current engine (call useEngine first).
 * @throws LENTIGO_WEIGHTS_INVALID when the parameters don't fit the architecture and labels
 */
export function createStudent({ architecture, labels, parameters }: Model): Student {
  const { head } = networkOf(architecture);
  const specs = parameterSpecs(architecture, labels.names.length);
  const backbone = createBackbone(architecture, architecture, specs, parameters);
  const { lookup, model } = backbone;

  const compile = (
    what: string,
    x: tf.Tensor,
    trainFrom: string,
    f: () => readonly tf.Tensor[],
  ): readonly tf.Tensor[] =>
    compiled(
      `${architecture} ${labels.names.length} ${trainFrom} ${what}`,
      x,
      specsFrom(architecture, labels.names.length, trainFrom).map(
        ({ name }) => lookup(name) as tf.Variable,
      ),
      f,
    );

  const trace: Student['trace'] = (x, trainFrom, { batchStatistics = false, ...options } = {}) => {
    if (options.compiled) {
      const passed = backbone.passed(trainFrom).map(({ name }) => name);
      const [logits, embedding, ...maps] = compile(`trace ${batchStatistics}`, x, trainFrom, () => {
        const { maps, embedding, logits } = trace(x, trainFrom, { batchStatistics });
        return [logits, embedding, ...passed.map((block) => maps.get(block)!)];
      }) as [tf.Tensor2D, tf.Tensor2D, ...tf.Tensor4D[]];
      return { logits, embedding, maps: new Map(passed.map((block, i) => [block, maps[i]!])) };
    }
    const { maps, last } = backbone.trace(x, trainFrom, backbone.context(batchStatistics));
    const embedding = pool(last, head, lookup);
    return { maps, embedding, logits: classify(embedding, head, lookup) };
  };

  return {
    ...model,
    architecture,
    labels,
    trace,
    compiledLogits: (x, trainFrom) =>
      compile('logits', x, trainFrom, () => [trace(x, trainFrom).logits])[0] as tf.Tensor2D,
    logits: (x, trainFrom = model.blocks[0]!) => tf.tidy(() => trace(x, trainFrom).logits),
  };
}

/** Initial parameters, drawn as the architecture's authors do; seeded. */
export function initialParameters(
  architecture: ArchitectureId,
  labels: LabelSet,
  random: Random,
): ParameterSet {
  const weights = weightsOf(architecture, labels.names.length);
  const out = new ParameterSet(parameterSpecs(architecture, labels.names.length));
  for (const { name, initial } of weights)
    fillInitial(out.get(name), initial, random.fork('initial', name));
  return out;
}
