// The one registry of encodings: a study names one, both sides find it here.
import type { Encoding } from '../protocol/round.js';
import type { DeltaEncoding } from './delta-encoding.js';
import { float32 } from './float32.js';
import { int8 } from './int8.js';

export type { DeltaEncoding };

export const ENCODINGS: Readonly<Record<Encoding, DeltaEncoding>> = { int8, float32 };
