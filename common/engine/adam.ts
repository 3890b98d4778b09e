// Adam's optimisation step, in as few passes over memory as the engine allows: it is a large share
// of a training step where features are cached.
import * as tf from '@tensorflow/tfjs';
import type { AdamCoefficients } from './heap-kernels.js';
import { NativeAdam } from './native-adam.js';

/** The variables, and Adam's two moments m and v for each. */
export interface AdamState {
  /**
   * One step, for each variable w with gradient g: m ← β₁m + c₁g; v ← β₂v + c₂g²; w ← decay·w −
   * stepSize·m / (squareScale·√v + ε).
   * @param gradients in the variables' order; the caller disposes them
   * @param decays one per variable
   */
  step(
    gradients: readonly tf.Tensor[],
    decays: readonly number[],
    coefficients: AdamCoefficients,
  ): void;
  /** The values of every m, then of every v: the state needed to resume training. */
  moments(): Promise<Float32Array[]>;
  /** Restores the values that `moments` returned. */
  setMoments(values: readonly Float32Array[]): void;
  /** Frees the moments; the variables are the caller's. */
  dispose(): void;
}

/** Zero moments for these variables, on the engine in use. */
export function createAdam(variables: readonly tf.Variable[]): AdamState {
  if (tf.getBackend() === 'tensorflow') return new NativeAdam(variables);
  return tf.getKernel('Adam', tf.getBackend())
    ? new KernelAdam(variables)
    : new ComposedAdam(variables);
}

const zerosFor = (variables: readonly tf.Variable[]): tf.Tensor[] =>
  variables.map(({ shape }) => tf.keep(tf.zeros(shape)));

/**
 * One call of our own Adam kernel per variable. The kernel updates the moments in place, as nothing
 * else holds them.
 */
class KernelAdam implements AdamState {
  readonly #variables: readonly tf.Variable[];
  #means: readonly tf.Tensor[];
  #squares: readonly tf.Tensor[];

  constructor(variables: readonly tf.Variable[]) {
    this.#variables = variables;
    this.#means = zerosFor(variables);
    this.#squares = zerosFor(variables);
  }
  step(
    gradients: readonly tf.Tensor[],
    decays: readonly number[],
    coefficients: AdamCoefficients,
  ): void {
    for (const [i, w] of this.#variables.entries()) {
      const inputs = { w, g: gradients[i]!, m: this.#means[i]!, v: this.#squares[i]! };
      tf.tidy(() =>
        w.assign(
          tf
            .engine()
            .runKernel('Adam', inputs, { decay: decays[i]!, coefficients: [...coefficients] }),
        ),
      );
    }
  }
  async moments(): Promise<Float32Array[]> {
    // A copy, because the kernel goes on writing to the same memory.
    const all = await Promise.all([...this.#means, ...this.#squares].map((t) => t.data()));
    return all.map((values) => (values as Float32Array).slice());
  }
  setMoments(values: readonly Float32Array[]): void {
    const n = this.#variables.length;
    const tensorOf = (v: Float32Array, i: number): tf.Tensor =>
      tf.keep(tf.tensor(v.slice(), this.#variables[i % n]!.shape));
    const [means, squares] = [values.slice(0, n).map(tensorOf), values.slice(n).map(tensorOf)];
    this.dispose();
    this.#means = means;
    this.#squares = squares;
  }
  dispose(): void {
    tf.dispose([...this.#means, ...this.#squares]);
  }
}

/** Composed of tfjs operations, so it works on every engine. */
export class ComposedAdam implements AdamState {
  readonly #variables: readonly tf.Variable[];
  readonly #means: readonly tf.Variable[];
  readonly #squares: readonly tf.Variable[];

  constructor(variables: readonly tf.Variable[]) {
    this.#variables = variables;
    const zeros = () =>
      variables.map(({ shape }) => tf.tidy(() => tf.variable(tf.zeros(shape), false)));
    this.#means = zeros();
    this.#squares = zeros();
  }
  step(
    gradients: readonly tf.Tensor[],
    decays: readonly number[],
    [beta1, c1, beta2, c2, stepSize, squareScale, epsilon]: AdamCoefficients,
  ): void {
    for (const [i, w] of this.#variables.entries()) {
      tf.tidy(() => {
        const [g, m, v] = [gradients[i]!, this.#means[i]!, this.#squares[i]!];
        m.assign(tf.add(tf.mul(m, beta1), tf.mul(g, c1)));
        v.assign(tf.add(tf.mul(v, beta2), tf.mul(tf.square(g), c2)));
        const step = tf.div(tf.mul(m, stepSize), tf.add(tf.mul(tf.sqrt(v), squareScale), epsilon));
        w.assign(tf.sub(decays[i] === 1 ? w : tf.mul(w, decays[i]!), step));
      });
    }
  }
  async moments(): Promise<Float32Array[]> {
    return (await Promise.all(
      [...this.#means, ...this.#squares].map((v) => v.data()),
    )) as Float32Array[];
  }
  setMoments(values: readonly Float32Array[]): void {
    for (const [i, variable] of [...this.#means, ...this.#squares].entries())
      tf.tidy(() => variable.assign(tf.tensor(values[i]!.slice(), variable.shape)));
  }
  dispose(): void {
    tf.dispose([...this.#means, ...this.#squares]);
  }
}
