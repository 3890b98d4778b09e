// Adam on the native engine: TensorFlow's own fused operation, which takes one pass on all cores
// where tfjs's ten operations take ten passes.
import * as tf from '@tensorflow/tfjs';
import type { AdamCoefficients } from './heap-kernels.js';
import type { Attribute, NodeBackend } from './native-backend.js';

/** TensorFlow's ResourceHandle::ANONYMOUS_NAME: each call makes a new resource. */
const ANONYMOUS = 'cd2c89b7-88b7-44c8-ad83-06c2a9158347';

/**
 * One variable's moments, and a place for its parameters during the step: handles of TensorFlow's
 * resource variables.
 */
interface Resources {
  readonly w: tf.Tensor;
  readonly m: tf.Tensor;
  readonly v: tf.Tensor;
}

export class NativeAdam {
  readonly #backend = tf.backend() as unknown as NodeBackend;
  readonly #variables: readonly tf.Variable[];
  readonly #resources: readonly Resources[];

  constructor(variables: readonly tf.Variable[]) {
    this.#variables = variables;
    this.#resources = variables.map(({ shape }) => {
      const [w, m, v] = [this.#resource(shape), this.#resource(shape), this.#resource(shape)];
      tf.tidy(() => {
        for (const moment of [m, v]) this.#assign(moment, tf.zeros(shape));
      });
      return { w, m, v };
    });
  }

  step(
    gradients: readonly tf.Tensor[],
    decays: readonly number[],
    [beta1, , beta2, c2, stepSize, squareScale, epsilon]: AdamCoefficients,
  ): void {
    // TensorFlow computes c₂ as 1 − β₂ in float32, which for β₂ = 0.999 is 1.3e-5 too small, and so
    // are its squares.
    const scale = squareScale * Math.sqrt(c2 / (1 - Math.fround(beta2)));
    const [float, locking, nesterov] = [
      this.#type('T'),
      this.#flag('use_locking'),
      this.#flag('use_nesterov'),
    ];
    tf.tidy(() => {
      // stepSize and scale already include the bias corrections, so both powers of β are 0.
      const scalars = [0, 0, stepSize / scale, beta1, beta2, epsilon / scale].map((value) =>
        tf.scalar(value),
      );
      for (const [i, variable] of this.#variables.entries()) {
        const { w, m, v } = this.#resources[i]!;
        const decayed = decays[i] === 1 ? variable : tf.mul(variable, decays[i]!);
        this.#assign(w, decayed);
        // Now only the resource holds it, so TensorFlow updates it in place instead of copying it.
        if (decayed !== variable) decayed.dispose();
        this.#backend.executeMultipleOutputs(
          'ResourceApplyAdam',
          [float, locking, nesterov],
          [w, m, v, ...scalars, gradients[i]!],
          0,
        );
        variable.assign(
          this.#backend.executeSingleOutput('ReadVariableOp', [this.#type('dtype')], [w]),
        );
      }
    });
  }

  async moments(): Promise<Float32Array[]> {
    const read = async (resource: tf.Tensor): Promise<Float32Array> => {
      const value = this.#backend.executeSingleOutput(
        'ReadVariableOp',
        [this.#type('dtype')],
        [resource],
      );
      const values = (await value.data()) as Float32Array;
      value.dispose();
      return values;
    };
    return Promise.all(
      [...this.#resources.map(({ m }) => m), ...this.#resources.map(({ v }) => v)].map(read),
    );
  }

  setMoments(values: readonly Float32Array[]): void {
    const n = this.#variables.length;
    tf.tidy(() => {
      for (const [i, { m, v }] of this.#resources.entries()) {
        const { shape } = this.#variables[i]!;
        this.#assign(m, tf.tensor(values[i]!.slice(), shape));
        this.#assign(v, tf.tensor(values[n + i]!.slice(), shape));
      }
    });
  }

  dispose(): void {
    for (const resource of this.#resources.flatMap(({ w, m, v }) => [w, m, v])) {
      this.#backend.executeMultipleOutputs(
        'DestroyResourceOp',
        [this.#flag('ignore_lookup_error')],
        [resource],
        0,
      );
      resource.dispose();
    }
  }

  #resource(shape: readonly number[]): tf.Tensor {
    const { TF_ATTR_SHAPE, TF_ATTR_STRING } = this.#backend.binding;
    return tf.keep(
      this.#backend.executeSingleOutput(
        'VarHandleOp',
        [
          this.#type('dtype'),
          { name: 'shape', type: TF_ATTR_SHAPE, value: shape },
          { name: 'container', type: TF_ATTR_STRING, value: '' },
          { name: 'shared_name', type: TF_ATTR_STRING, value: ANONYMOUS },
        ],
        [],
      ),
    );
  }
  #assign(resource: tf.Tensor, value: tf.Tensor): void {
    this.#backend.executeMultipleOutputs(
      'AssignVariableOp',
      [this.#type('dtype')],
      [resource, value],
      0,
    );
  }
  #type(name: string): Attribute {
    return {
      name,
      type: this.#backend.binding.TF_ATTR_TYPE,
      value: this.#backend.binding.TF_FLOAT,
    };
  }
  #flag(name: string): Attribute {
    return { name, type: this.#backend.binding.TF_ATTR_BOOL, value: false };
  }
}
