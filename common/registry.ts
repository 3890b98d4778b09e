// Names that are open: architectures, encodings, datasets and strategies are what was registered,
// by this package or by a program that uses it.
import { z } from 'zod';
import { type ErrorCode, LentigoError } from './errors.js';

/** What a name may look like: it stands in study.yaml, in messages and in file names. */
const NAME = /^[a-z][a-z0-9_-]{0,60}$/;

/**
 * @example
 * const rules = new Registry<Rule>('rule', 'LENTIGO_RULE_UNKNOWN');
 * rules.register('median', median);
 * const Settings = z.strictObject({ rule: rules.nameSchema() });
 */
export class Registry<T> {
  readonly #kind: string;
  readonly #unknown: ErrorCode;
  readonly #entries = new Map<string, T>();

  /** @param unknown the error's code where a name is not registered */
  constructor(kind: string, unknown: ErrorCode) {
    this.#kind = kind;
    this.#unknown = unknown;
  }
  /** The same value may be registered again. @throws RangeError for another of the same name */
  register(name: string, value: T): void {
    if (!NAME.test(name)) throw new RangeError(`"${name}" can't name a ${this.#kind}: ${NAME}`);
    const known = this.#entries.get(name);
    if (known !== undefined && known !== value)
      throw new RangeError(`there is a ${this.#kind} named ${name} already`);
    this.#entries.set(name, value);
  }
  has(name: string): boolean {
    return this.#entries.has(name);
  }
  /** @throws the registry's error, which lists the names there are */
  get(name: string): T {
    const entry = this.#entries.get(name);
    if (entry === undefined)
      throw new LentigoError(
        this.#unknown,
        `There is no ${this.#kind} "${name}": there are ${this.names().join(', ')}.`,
      );
    return entry;
  }
  /** In alphabetical order. */
  names(): string[] {
    return [...this.#entries.keys()].toSorted();
  }
  /** A name that is registered when it is parsed; `choices` of its metadata gives those there are. */
  nameSchema() {
    return z
      .string()
      .regex(NAME)
      .superRefine((name, context) => {
        if (!this.has(name))
          context.addIssue({
            code: 'custom',
            message: `there is no ${this.#kind} "${name}": there are ${this.names().join(', ')}`,
          });
      })
      .meta({ choices: () => this.names() });
  }
}
