// The safetensors container and the models in it: exact round trips, and no damaged file is
// accepted.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeModel,
  decodeParameters,
  encodeModel,
  encodeParameters,
} from '../../../common/model/encoding.js';
import { bfloatToFloat, floatToHalf, halfToFloat } from '../../../common/model/half.js';
import { PAD_UFES_LABELS } from '../../../common/model/labels.js';
import { decodeSafetensors, encodeSafetensors } from '../../../common/model/safetensors.js';
import { initialParameters, type Model, parameterSpecs } from '../../../common/model/student.js';
import { Random } from '../../../common/random.js';
import { sizeOf } from '../../../common/update/parameter-set.js';

const invalid = expect.objectContaining({ code: 'LENTIGO_WEIGHTS_INVALID' }) as Error;
const nano: Model = {
  architecture: 'nano',
  labels: PAD_UFES_LABELS,
  parameters: initialParameters('nano', PAD_UFES_LABELS, new Random(3)),
};

const tensors = fc
  .uniqueArray(
    fc.record({
      name: fc.string({ minLength: 1, maxLength: 20 }).filter((n) => n !== '__metadata__'),
      shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
      fill: fc.float({ noNaN: true }),
    }),
    { selector: (t) => t.name, maxLength: 5 },
  )
  .map((list) =>
    list.map(({ name, shape, fill }) => ({
      name,
      shape,
      values: new Float32Array(sizeOf(shape)).map((_, i) => fill + i),
    })),
  );
const metadata = fc.dictionary(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), {
  noNullPrototype: true,
});
const byName = <T extends { name: string }>(list: readonly T[]): T[] =>
  [...list].sort((a, b) => (a.name < b.name ? -1 : 1));

/** A container with the header as given and `length` bytes of data. */
function container(header: unknown, length: number): Uint8Array {
  const text = new TextEncoder().encode(
    typeof header === 'string' ? header : JSON.stringify(header),
  );
  const bytes = new Uint8Array(8 + text.length + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

describe('safetensors', () => {
  it('gives back what was stored, from the same bytes each time, also from inside a larger buffer', () => {
    fc.assert(
      fc.property(metadata, tensors, (metadata, tensors) => {
        const bytes = encodeSafetensors({ metadata, tensors });
        expect(encodeSafetensors({ metadata, tensors })).toEqual(bytes);
        const inside = new Uint8Array(bytes.length + 7);
        inside.set(bytes, 3);
        const read = decodeSafetensors(inside.subarray(3, 3 + bytes.length));
        expect(read.metadata).toEqual(metadata);
        expect(byName(read.tensors)).toEqual(byName(tensors));
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  it('refuses every truncated file, and anything appended', () => {
    const bytes = encodeSafetensors({
      metadata: { a: 'b' },
      tensors: [{ name: 'x', shape: [2, 3], values: Float32Array.of(1, 2, 3, 4, 5, 6) }],
    });
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeSafetensors(bytes.subarray(0, length))).toThrow(invalid);
    expect(() => decodeSafetensors(Uint8Array.of(...bytes, 0))).toThrow(invalid);
  });

  it('refuses garbage with its own error and no other', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(() => decodeSafetensors(bytes)).toThrow(invalid);
      }),
      { numRuns: 200, seed: 1 },
    );
    fc.assert(
      fc.property(fc.json(), fc.integer({ min: 0, max: 16 }), (header, length) => {
        try {
          decodeSafetensors(container(header, length));
        } catch (e) {
          expect(e).toEqual(invalid);
        }
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it('refuses a header that promises more than the file has, overlapping tensors, gaps, wrong lengths and unknown types', () => {
    const oversized = container({}, 0);
    new DataView(oversized.buffer).setBigUint64(0, 2n ** 63n, true);
    expect(() => decodeSafetensors(oversized)).toThrow(invalid);
    const entry = (start: number, end: number, shape = [(end - start) / 4], dtype = 'F32') => ({
      dtype,
      shape,
      data_offsets: [start, end],
    });
    const refused: [object, number][] = [
      [{ a: entry(0, 8), b: entry(4, 12) }, 12],
      [{ a: entry(0, 4), b: entry(8, 12) }, 12],
      [{ a: entry(0, 8, [3]) }, 8],
      [{ a: entry(0, 8, [-2]) }, 8],
      [{ a: entry(0, 8, [2 ** 31, 2 ** 31, 2 ** 31]) }, 8],
      [{ a: entry(0, 4, [1], 'F8_E4M3') }, 4],
      [{ a: entry(0, 8, [1], 'F32') }, 8],
      [{ a: { dtype: 'F32', shape: [1] } }, 4],
      [{ __metadata__: { a: 1 } }, 0],
    ];
    for (const [header, length] of refused)
      expect(() => decodeSafetensors(container(header, length)), JSON.stringify(header)).toThrow(
        invalid,
      );
    expect(decodeSafetensors(container({ a: entry(0, 8) }, 8)).tensors).toHaveLength(1);
  });

  it('reads integers as numbers, and says that they were integers', () => {
    const header = {
      counter: { dtype: 'I64', shape: [], data_offsets: [0, 8] },
      x: { dtype: 'F32', shape: [1], data_offsets: [8, 12] },
    };
    expect(decodeSafetensors(container(header, 12)).tensors).toEqual([
      { name: 'counter', shape: [], values: Float32Array.of(0), integer: true },
      { name: 'x', shape: [1], values: Float32Array.of(0) },
    ]);
  });
});

describe('half precision', () => {
  it('every half survives conversion to float32 and back', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i).filter(
      (h) => (h & 0x7fff) <= 0x7c00,
    );
    expect(floatToHalf(halfToFloat(all))).toEqual(all);
  });

  it('rounds to the nearest half, ties to even', () => {
    const halves = halfToFloat(Uint16Array.from({ length: 0x7c00 }, (_, i) => i));
    fc.assert(
      fc.property(fc.float({ min: -65504, max: 65504, noNaN: true }), (value) => {
        const got = halfToFloat(floatToHalf(Float32Array.of(value)))[0]!;
        // The neighbouring halves are not nearer.
        const at = floatToHalf(Float32Array.of(Math.abs(value)))[0]!;
        const error = Math.abs(Math.abs(value) - Math.abs(got));
        for (const near of [at - 1, at + 1])
          if (near >= 0 && near < halves.length)
            expect(error).toBeLessThanOrEqual(Math.abs(Math.abs(value) - halves[near]!));
      }),
      { numRuns: 500, seed: 1 },
    );
    const exact: [number, number][] = [
      [1 + 2 ** -11, 1],
      [1 + 3 * 2 ** -11, 1 + 2 ** -9],
      [2 ** -25, 0],
      [3 * 2 ** -25, 2 ** -23],
      [65519.99, 65504],
      [65520, Infinity],
      [-0, -0],
    ];
    for (const [value, expected] of exact)
      expect(halfToFloat(floatToHalf(Float32Array.of(value)))[0]).toBe(expected);
    expect(halfToFloat(floatToHalf(Float32Array.of(NaN)))[0]).toBeNaN();
  });

  it('reads bfloat16', () => {
    expect(bfloatToFloat(Uint16Array.of(0x3f80, 0xc040, 0x7f80))).toEqual(
      Float32Array.of(1, -3, Infinity),
    );
  });
});

describe('models as safetensors', () => {
  it('keep architecture, labels and every value, under the names and in the layouts of PyTorch', () => {
    const bytes = encodeModel(nano);
    expect(encodeModel(nano)).toEqual(bytes);
    const back = decodeModel(bytes);
    expect([back.architecture, back.labels]).toEqual(['nano', PAD_UFES_LABELS]);
    expect(back.parameters.values).toEqual(nano.parameters.values);
    const stored = new Map(decodeSafetensors(bytes).tensors.map((t) => [t.name, t]));
    expect(stored.get('features.0.0.weight')!.shape).toEqual([8, 3, 3, 3]);
    expect(stored.get('features.1.0.block.0.0.weight')!.shape).toEqual([8, 1, 3, 3]);
    expect(stored.get('features.1.0.block.1.fc1.weight')!.shape).toEqual([2, 8, 1, 1]);
    expect(stored.get('classifier.1.weight')!.shape).toEqual([6, 96]);
    // One value of each layout: HWIO → OIHW, depthwise, [in, out] → [out, in].
    expect(stored.get('features.0.0.weight')!.values[((5 * 3 + 2) * 3 + 1) * 3 + 0]).toBe(
      nano.parameters.get('features.0.0.weight')[((1 * 3 + 0) * 3 + 2) * 8 + 5],
    );
    expect(stored.get('features.1.0.block.0.0.weight')!.values[(4 * 3 + 2) * 3 + 1]).toBe(
      nano.parameters.get('features.1.0.block.0.0.weight')[(2 * 3 + 1) * 8 + 4],
    );
    expect(stored.get('classifier.1.weight')!.values[3 * 96 + 50]).toBe(
      nano.parameters.get('classifier.1.weight')[50 * 6 + 3],
    );
  });

  it('take half the bytes as float16 and lose less than 2⁻¹¹ of each value', () => {
    const bytes = encodeModel(nano, { half: true });
    expect(bytes.length).toBeLessThan(0.6 * encodeModel(nano).length);
    const { values } = decodeModel(bytes).parameters;
    for (const [i, v] of nano.parameters.values.entries())
      expect(Math.abs(values[i]! - v)).toBeLessThanOrEqual(
        Math.max(Math.abs(v) * 2 ** -11, 2 ** -25),
      );
  });

  it('can be sent in part: the trainable parameters alone', () => {
    const part = nano.parameters.subset(new Set(['features.4.0.weight', 'classifier.1.bias']));
    const back = decodeParameters(encodeParameters(part), part.specs);
    expect(back.specs).toEqual(part.specs);
    expect(back.values).toEqual(part.values);
    expect(() => decodeParameters(encodeParameters(part), parameterSpecs('nano', 6))).toThrow(
      'features.0.0.weight is missing',
    );
    expect(() => decodeParameters(encodeModel(nano), part.specs)).toThrow('unexpected parameter');
    expect(() =>
      decodeParameters(encodeParameters(part), [
        part.specs[0]!,
        { name: 'classifier.1.bias', shape: [7] },
      ]),
    ).toThrow('shape [6] instead of [7]');
  });

  it('are refused without an architecture and labels that we know', () => {
    const tensors = decodeSafetensors(encodeModel(nano)).tensors;
    const refused: Record<string, string>[] = [
      {},
      { architecture: 'resnet50', labels: '{}' },
      { architecture: 'nano' },
      { architecture: 'nano', labels: '{"names":["a"],"malignant":[]}' },
    ];
    for (const metadata of refused) {
      expect(() => decodeModel(encodeSafetensors({ metadata, tensors }))).toThrow(invalid);
    }
    expect(() =>
      decodeModel(
        encodeSafetensors({
          metadata: { architecture: 'efficientnet_b0', labels: JSON.stringify(PAD_UFES_LABELS) },
          tensors,
        }),
      ),
    ).toThrow(invalid);
  });
});
