// A registry: values of one kind (architectures, encodings, datasets, …) by name. Names are open:
// an extension registers its own beside those that are built in.
import { z } from 'zod';
import { type ErrorCode, LentigoError } from './errors.js';

/** How any registered name is written, whether or not something is registered under it. */
export const RegistryName = z.string().regex(/^[a-z][a-z0-9_-]{0,60}$/, {
  error: 'must be a name of lower-case letters, digits, _ and -',
  abort: true,
});

export class Registry<T> {
  readonly #values = new Map<string, T>();

  /**
   * @param kind what messages call one entry, such as "encoding"
   * @param unknown the code of the error for a name that isn't registered
   */
  constructor(
    readonly kind: string,
    readonly unknown: ErrorCode,
  ) {}

  /**
   * Registering the same value again changes nothing.
   * @throws LENTIGO_EXTENSION_INVALID the name is malformed, or another value has it
   */
  register(name: string, value: T): void {
    if (!RegistryName.safeParse(name).success)
      throw new LentigoError(
        'LENTIGO_EXTENSION_INVALID',
        `${this.kind} "${name}": a name is lower-case letters, digits, _ and -, and begins with a letter`,
      );
    if (this.#values.has(name) && this.#values.get(name) !== value)
      throw new LentigoError(
        'LENTIGO_EXTENSION_INVALID',
        `another ${this.kind} is registered as "${name}" already`,
      );
    this.#values.set(name, value);
  }

  /** @throws the registry's own code, naming what is registered */
  get(name: string): T {
    if (!this.#values.has(name)) throw new LentigoError(this.unknown, this.#unknownName(name));
    return this.#values.get(name)!;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** In the order of registration. */
  names(): string[] {
    return [...this.#values.keys()];
  }

  values(): T[] {
    return [...this.#values.values()];
  }

  /**
   * A string that is registered when it is parsed. In a JSON Schema it lists the names registered
   * when that is made.
   */
  nameSchema(): z.ZodString {
    const names = () => this.names();
    return RegistryName.refine((name) => this.has(name), {
      error: ({ input }) => this.#unknownName(String(input)),
    }).meta({
      get enum() {
        return names();
      },
    });
  }

  #unknownName(name: string): string {
    return `unknown ${this.kind} "${name}": it is one of ${this.names().join(', ')}`;
  }
}
