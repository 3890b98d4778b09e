// A registry: values of one kind (architectures, encodings, datasets, …) by name. Names are open:
// an extension registers its own beside the built-in ones.
import { z } from 'zod';
import { type ErrorCode, LentigoError } from './errors.js';

/** The form of a registered name, whether or not anything is registered under it. */
export const RegistryName = z.string().regex(/^[a-z][a-z0-9_-]{0,60}$/, {
  error: 'must be a name of lower-case letters, digits, _ and -',
  abort: true,
});

export class Registry<T> {
  readonly #values = new Map<string, T>();

  /**
   * @param kind what error messages call one entry, such as "encoding"
   * @param unknown the error code for a name that isn't registered
   */
  constructor(
    readonly kind: string,
    readonly unknown: ErrorCode,
  ) {}

  /**
   * Registers a value. Registering the same value again has no effect.
   * @throws LENTIGO_EXTENSION_INVALID when the name is malformed, or another value has it
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

  /**
   * The value under a name.
   * @throws the registry's own code, listing the registered names
   */
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
   * A schema for a string that must be registered at the time of parsing. Its JSON Schema lists the
   * names registered at the time it is generated.
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
