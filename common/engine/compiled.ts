// Functions computed as a whole instead of one operation at a time, on an engine that can do so
// (native, see native-graph.node.ts).
import * as tf from '@tensorflow/tfjs';

/**
 * Compiles f for x and its variables.
 * @param key identifies the computation: two functions with the same key must do the same
 * @param f a function of x and of all variables that it reads; differentiable in the trainable ones
 */
export type Compiler = (
  key: string,
  x: tf.Tensor,
  variables: readonly tf.Variable[],
  f: () => readonly tf.Tensor[],
) => readonly tf.Tensor[];

const compilers = new Map<string, Compiler>();

/** Registers the compiler of a tfjs backend. */
export const registerCompiler = (backend: string, compiler: Compiler): void =>
  void compilers.set(backend, compiler);

/**
 * Computes f, differentiable in the trainable variables only. The first call with a key and shape
 * is slower than f itself (a second or two for EfficientNet-B0); compiling pays off after about ten
 * calls.
 */
export const compiled: Compiler = (key, x, variables, f) =>
  compilers.get(tf.getBackend())?.(key, x, variables, f) ?? f();
