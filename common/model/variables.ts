// A model's parameters as tf variables on the current engine: looked up by name, overwritten, read
// back.
import * as tf from '@tensorflow/tfjs';
import { LentigoError } from '../errors.js';
import { ParameterSet, type ParameterSpec } from '../update/parameter-set.js';
import { isStatistic } from './architecture.js';

export class Variables {
  readonly #what: string;
  readonly #specs: readonly ParameterSpec[];
  readonly #byName: ReadonlyMap<string, tf.Variable>;

  /**
   * Creates the variables.
   * @param what the architecture, for error messages
   * @throws LENTIGO_WEIGHTS_INVALID when the parameters aren't those of `specs`
   */
  constructor(what: string, specs: readonly ParameterSpec[], parameters: ParameterSet) {
    this.#what = what;
    this.#specs = specs;
    for (const { name } of specs)
      if (!parameters.has(name))
        throw new LentigoError('LENTIGO_WEIGHTS_INVALID', `${what} needs parameter ${name}`);
    this.#check(parameters);
    const create = ({ name, shape }: ParameterSpec) =>
      tf.tidy(() =>
        tf.variable(
          tf.tensor(parameters.get(name).slice(), [...shape], 'float32'),
          !isStatistic(name),
        ),
      );
    this.#byName = new Map(specs.map((spec) => [spec.name, create(spec)]));
  }
  readonly get = (name: string): tf.Variable => this.#byName.get(name)!;

  assign(name: string, values: Float32Array): void {
    const variable = this.get(name);
    tf.tidy(() => variable.assign(tf.tensor(values.slice(), variable.shape, 'float32')));
  }
  /** All values, in the order of the specs. */
  async read(): Promise<ParameterSet> {
    const out = new ParameterSet(this.#specs);
    for (const { name } of this.#specs) out.get(name).set(await this.get(name).data());
    return out;
  }
  /**
   * Overwrites the named parameters, all or some.
   * @throws LENTIGO_WEIGHTS_INVALID on an unknown name or another shape
   */
  load(parameters: ParameterSet): void {
    this.#check(parameters);
    for (const { name } of parameters.specs) this.assign(name, parameters.get(name));
  }
  dispose(): void {
    for (const variable of this.#byName.values()) variable.dispose();
  }

  #check(parameters: ParameterSet): void {
    const expected = new Map(this.#specs.map((s) => [s.name, s.shape]));
    for (const { name, shape } of parameters.specs) {
      const wanted = expected.get(name);
      if (!wanted)
        throw new LentigoError('LENTIGO_WEIGHTS_INVALID', `${this.#what} has no parameter ${name}`);
      if (wanted.join() !== shape.join())
        throw new LentigoError(
          'LENTIGO_WEIGHTS_INVALID',
          `parameter ${name} of ${this.#what} has shape [${wanted.join()}], not [${shape.join()}]`,
        );
    }
  }
}
