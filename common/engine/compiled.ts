// Functions computed as a whole instead of one operation after the other, on an engine that can
// (native, see native-graph.node.ts).
import * as tf from '@tensorflow/tfjs';

/**
 * @param key names what f does with x and the variables: two functions of one key do the same
 * @param f of x and of variables, all those that it reads; differentiable in the trainable ones
 */
export type Compiler = (
  key: string,
  x: tf.Tensor,
  variables: readonly tf.Variable[],
  f: () => readonly tf.Tensor[],
) => readonly tf.Tensor[];

const compilers = new Map<string, Compiler>();

/** Of a tfjs backend. */
export const registerCompiler = (backend: string, compiler: Compiler): void =>
  void compilers.set(backend, compiler);

/**
 * What f computes, differentiable in the trainable variables alone. The first call with a key and
 * shape takes longer than f itself, a second or two for EfficientNet-B0; it pays after about ten.
 */
export const compiled: Compiler = (key, x, variables, f) =>
  compilers.get(tf.getBackend())?.(key, x, variables, f) ?? f();
