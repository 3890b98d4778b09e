// A strategy's state as bytes: safetensors, one vector for each name.
import { decodeSafetensors, encodeSafetensors } from '../model/safetensors.js';
import type { StrategyState } from './strategy.js';

export const isEmpty = (state: StrategyState): boolean => Object.keys(state).length === 0;

/** The same state always gives the same bytes. */
export function encodeState(state: StrategyState): Uint8Array<ArrayBuffer> {
  const names = Object.keys(state).toSorted();
  return encodeSafetensors({
    metadata: {},
    tensors: names.map((name) => {
      const values = state[name]!;
      return { name, shape: [values.length], values };
    }),
  });
}

/** @throws LENTIGO_WEIGHTS_INVALID when the bytes are damaged */
export function decodeState(bytes: Uint8Array): StrategyState {
  return Object.fromEntries(
    decodeSafetensors(bytes).tensors.map(({ name, values }) => [name, values]),
  );
}
