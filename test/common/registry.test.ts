// Names are open: what is registered is known, also if it was registered after the schema was made.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Registry } from '../../common/registry.js';

const fruit = () => {
  const registry = new Registry<number>('encoding', 'LENTIGO_ENCODING_UNKNOWN');
  registry.register('apple', 1);
  registry.register('pear_2', 2);
  return registry;
};

describe('a registry', () => {
  it('gives what is registered under a name, and lists the names in their order', () => {
    const registry = fruit();
    expect([registry.get('apple'), registry.get('pear_2')]).toEqual([1, 2]);
    expect([registry.names(), registry.values()]).toEqual([
      ['apple', 'pear_2'],
      [1, 2],
    ]);
    expect([registry.has('apple'), registry.has('constructor')]).toEqual([true, false]);
  });

  it('says which names there are where one is unknown', () => {
    expect(() => fruit().get('plum')).toThrow(
      expect.objectContaining({
        code: 'LENTIGO_ENCODING_UNKNOWN',
        message: 'unknown encoding "plum": it is one of apple, pear_2',
      }),
    );
  });

  it('takes the same value twice, but no other under the same name', () => {
    const registry = fruit();
    registry.register('apple', 1);
    expect(() => registry.register('apple', 3)).toThrow(
      expect.objectContaining({ code: 'LENTIGO_EXTENSION_INVALID' }),
    );
    expect(registry.get('apple')).toBe(1);
  });

  it('refuses names that are no plain words', () => {
    for (const name of ['', 'Apple', '2pears', 'a b', 'a'.repeat(62)])
      expect(() => fruit().register(name, 9)).toThrow(
        expect.objectContaining({ code: 'LENTIGO_EXTENSION_INVALID' }),
      );
  });
});

describe("a registry's schema", () => {
  it('accepts what is registered when it parses, and nothing else', () => {
    const registry = fruit();
    const schema = z.strictObject({ name: registry.nameSchema().default('apple') });
    expect(schema.parse({})).toEqual({ name: 'apple' });
    expect(schema.safeParse({ name: 'plum' }).error!.issues).toMatchObject([
      { path: ['name'], message: 'unknown encoding "plum": it is one of apple, pear_2' },
    ]);
    registry.register('plum', 3);
    expect(schema.parse({ name: 'plum' })).toEqual({ name: 'plum' });
  });

  it('refuses what is no name without repeating it', () => {
    const { issues } = fruit().nameSchema().safeParse('x'.repeat(1_000_000)).error!;
    expect(issues).toHaveLength(1);
    expect(issues[0]!.message.length).toBeLessThan(100);
  });

  it('lists the names of the moment in a JSON Schema', () => {
    const registry = fruit();
    const schema = z.strictObject({ name: registry.nameSchema().default('apple') });
    registry.register('plum', 3);
    expect(z.toJSONSchema(schema, { io: 'input' })).toMatchObject({
      properties: { name: { enum: ['apple', 'pear_2', 'plum'], default: 'apple' } },
    });
  });
});
