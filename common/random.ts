// The seeded random generator for learning, data and encoding. (Keys and nonces come from the
// platform's CSPRNG instead.)
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/**
 * FNV-1a over UTF-16 code units, 32 bits, then MurmurHash3's finaliser. Without the finaliser,
 * labels that differ in their last character (fork(0), fork(1), …) would give streams whose first
 * numbers are nearly equal. Not for security.
 */
function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * A stream of random numbers (xoroshiro128+ of pure-rand) that depends on nothing but its seed.
 * @example const random = new Random(7); random.fork('augmentation', epoch).uniform();
 */
export class Random {
  readonly seed: string;
  readonly #generator;
  constructor(seed: number | string) {
    this.seed = String(seed);
    this.#generator = xoroshiro128plus(hash32(this.seed));
  }
  /**
   * An independent stream named by labels: the same labels always give the same stream, however
   * much of this one was used.
   */
  fork(...labels: (string | number)[]): Random {
    return new Random([this.seed, ...labels].join('/'));
  }
  /** Uniform in [low, high). */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * uniformFloat64(this.#generator);
  }
  /** A whole number, uniform in [0, n). */
  int(n: number): number {
    return Math.floor(this.uniform() * n);
  }
  /** True with probability p. */
  chance(p: number): boolean {
    return this.uniform() < p;
  }
  /** Normal with the given mean and standard deviation (Box–Muller). */
  normal(mean = 0, deviation = 1): number {
    const u = 1 - this.uniform();
    return mean + deviation * Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * this.uniform());
  }
  /** One of the given items, each equally likely. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('nothing to pick from');
    return items[this.int(items.length)]!;
  }
  /** A shuffled copy (Fisher–Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const out = items.slice();
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [out[i], out[j]] = [out[j]!, out[i]!];
    }
    return out;
  }
}
