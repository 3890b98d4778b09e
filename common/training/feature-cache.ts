// The cache in which a clinic keeps the frozen part's features of its images. They never change
// during a study, so every round reuses them.

/**
 * A cache belongs to one starting model: its keys name the image, its variant and the first
 * trainable block.
 */
export interface FeatureCache {
  get(key: string): Promise<Float32Array | undefined>;
  /**
   * Keeps the features; if the cache is full it drops them, and they are computed again next time.
   */
  set(key: string, features: Float32Array): Promise<void>;
}

/**
 * Features in memory, up to `maxBytes`. Later ones aren't kept: evicting would empty the cache in
 * every pass over the images.
 */
export class MemoryFeatureCache implements FeatureCache {
  readonly #features = new Map<string, Float32Array>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes = 512 * 1024 * 1024) {
    this.#maxBytes = maxBytes;
  }
  async get(key: string): Promise<Float32Array | undefined> {
    return this.#features.get(key);
  }
  async set(key: string, features: Float32Array): Promise<void> {
    if (this.#features.has(key) || this.#bytes + features.byteLength > this.#maxBytes) return;
    this.#features.set(key, features);
    this.#bytes += features.byteLength;
  }
}
