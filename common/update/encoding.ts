// The encodings of a delta by name: a study chooses one, and both sides find it here. To add one,
// add a file beside this one and a line at the end.
import type { z } from 'zod';
import { Registry } from '../registry.js';
import type { DeltaEncoding } from './delta-encoding.js';
import { float32 } from './float32.js';
import { int8 } from './int8.js';

export type { DeltaEncoding };

export const encodings = new Registry<DeltaEncoding>('encoding', 'LENTIGO_ENCODING_UNKNOWN');

/**
 * Registers an encoding under its name.
 * @throws LENTIGO_EXTENSION_INVALID when the name is malformed, or another encoding has it
 */
export const registerEncoding = (encoding: DeltaEncoding): void =>
  encodings.register(encoding.name, encoding);

export const Encoding = encodings.nameSchema();
export type Encoding = z.infer<typeof Encoding>;

registerEncoding(int8);
registerEncoding(float32);
