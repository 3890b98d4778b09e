// Frozen features of the photographs, encrypted in the vault: they are computed from patients'
// photographs, so they are protected like them.
import { sha256Hex, utf8 } from '../../../common/crypto/bytes.js';
import { asLentigoError } from '../../../common/errors.js';
import type { Store } from '../../participation/store.js';
import { FEATURES } from '../photographs/collection.js';
import type { FeatureStore } from '../training/messages.js';

/**
 * Named after their photograph, so that they are deleted with it. A cache key ends in the sample's
 * id.
 */
async function nameOf(start: string, key: string): Promise<string> {
  const id = key.slice(key.lastIndexOf('/') + 1);
  return `${FEATURES}/${id}.${(await sha256Hex(utf8(`${start}/${key}`))).slice(0, 32)}`;
}

export const vaultFeatures = (store: Store): FeatureStore => ({
  async get(start, key) {
    const bytes = await store.read(await nameOf(start, key));
    return bytes && new Float32Array(bytes.buffer);
  },
  async set(start, key, features) {
    try {
      await store.write(
        await nameOf(start, key),
        new Uint8Array(features.buffer, features.byteOffset, features.byteLength),
      );
    } catch (error) {
      // If there is no space, they are computed again in every round.
      if (asLentigoError(error).code !== 'LENTIGO_DISK_FULL') throw error;
    }
  },
});
