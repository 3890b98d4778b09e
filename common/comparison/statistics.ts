// How far apart two clouds of points lie: principal components, Fréchet distance, maximum mean
// discrepancy, nearest neighbours. Rows are points.
import type { Random } from '../random.js';

export type Points = readonly Float64Array[];

const dot = (a: Float64Array, b: Float64Array): number =>
  a.reduce((sum, v, i) => sum + v * b[i]!, 0);

function meanOf(points: Points): Float64Array {
  const mean = new Float64Array(points[0]!.length);
  for (const p of points) for (let i = 0; i < mean.length; i++) mean[i]! += p[i]! / points.length;
  return mean;
}

/**
 * The points in their first principal components, and the share of the variance that each holds:
 * orthogonal iteration (Golub & Van Loan, 8.2.4).
 * @returns scores [n × count], count at most n − 1 and the points' dimension
 */
export function principalComponents(
  points: Points,
  count: number,
  random: Random,
): { scores: Float64Array[]; shares: number[] } {
  const mean = meanOf(points);
  const centred = points.map((p) => p.map((v, i) => v - mean[i]!));
  const d = mean.length;
  const k = Math.min(count, d, points.length - 1);
  let basis = orthonormal(
    Array.from({ length: k }, () => Float64Array.from({ length: d }, () => random.normal(0, 1))),
  );
  for (let iteration = 0; iteration < 30; iteration++) {
    basis = orthonormal(
      basis.map((q) => {
        const next = new Float64Array(d);
        for (const x of centred) {
          const along = dot(x, q);
          for (let i = 0; i < d; i++) next[i]! += along * x[i]!;
        }
        return next;
      }),
    );
  }
  const scores = centred.map((x) => Float64Array.from(basis, (q) => dot(x, q)));
  const total = centred.reduce((sum, x) => sum + dot(x, x), 0) || 1;
  return {
    scores,
    shares: basis.map((_, c) => scores.reduce((sum, s) => sum + s[c]! ** 2, 0) / total),
  };
}

/** Gram–Schmidt; a vector that depends on the others becomes zero. */
function orthonormal(vectors: readonly Float64Array[]): Float64Array[] {
  const done: Float64Array[] = [];
  for (const vector of vectors) {
    const v = vector.slice();
    for (const q of done) {
      const along = dot(v, q);
      for (let i = 0; i < v.length; i++) v[i]! -= along * q[i]!;
    }
    const length = Math.sqrt(dot(v, v));
    done.push(length > 1e-12 ? v.map((x) => x / length) : v.fill(0));
  }
  return done;
}

function covariance(points: Points, mean: Float64Array): Float64Array[] {
  const out = Array.from(mean, () => new Float64Array(mean.length));
  for (const p of points)
    for (let i = 0; i < mean.length; i++)
      for (let j = 0; j < mean.length; j++)
        out[i]![j]! += ((p[i]! - mean[i]!) * (p[j]! - mean[j]!)) / Math.max(1, points.length - 1);
  return out;
}

const product = (a: readonly Float64Array[], b: readonly Float64Array[]): Float64Array[] =>
  a.map((row) =>
    Float64Array.from({ length: b[0]!.length }, (_, j) =>
      row.reduce((sum, v, i) => sum + v * b[i]![j]!, 0),
    ),
  );

/**
 * Eigenvalues and eigenvectors (columns) of a symmetric matrix: cyclic Jacobi rotations (Golub &
 * Van Loan, 8.5.3).
 */
function eigen(symmetric: readonly Float64Array[]): { values: number[]; vectors: Float64Array[] } {
  const a = symmetric.map((row) => row.slice());
  const n = a.length;
  const v = a.map((_, i) => Float64Array.from({ length: n }, (_x, j) => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < 30; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) off += a[p]![q]! ** 2;
    if (off < 1e-18 * a.reduce((sum, row, i) => sum + row[i]! ** 2, 1e-300)) break;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (a[p]![q] === 0) continue;
        const theta = (a[q]![q]! - a[p]![p]!) / (2 * a[p]![q]!);
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        for (let i = 0; i < n; i++)
          [a[i]![p], a[i]![q]] = [c * a[i]![p]! - s * a[i]![q]!, s * a[i]![p]! + c * a[i]![q]!];
        for (let i = 0; i < n; i++)
          [a[p]![i], a[q]![i]] = [c * a[p]![i]! - s * a[q]![i]!, s * a[p]![i]! + c * a[q]![i]!];
        for (let i = 0; i < n; i++)
          [v[i]![p], v[i]![q]] = [c * v[i]![p]! - s * v[i]![q]!, s * v[i]![p]! + c * v[i]![q]!];
      }
    }
  }
  return { values: a.map((row, i) => row[i]!), vectors: v };
}

function squareRoot(matrix: readonly Float64Array[]): Float64Array[] {
  const { values, vectors } = eigen(matrix);
  const scaled = vectors.map((row) => row.map((x, i) => x * Math.sqrt(Math.max(0, values[i]!))));
  return product(
    scaled,
    vectors.map((_, j) => Float64Array.from(vectors, (row) => row[j]!)),
  );
}

/**
 * Fréchet distance of two Gaussians with the clouds' means and covariances: |μₐ − μᵦ|² + tr(Σₐ + Σᵦ
 * − 2(ΣₐΣᵦ)^½) (Heusel et al. 2017, arXiv:1706.08500).
 */
export function frechetDistance(a: Points, b: Points): number {
  const [meanA, meanB] = [meanOf(a), meanOf(b)];
  const [covA, covB] = [covariance(a, meanA), covariance(b, meanB)];
  const root = squareRoot(covA);
  const between = eigen(product(product(root, covB), root)).values.reduce(
    (sum, v) => sum + Math.sqrt(Math.max(0, v)),
    0,
  );
  const trace = (m: readonly Float64Array[]): number => m.reduce((sum, row, i) => sum + row[i]!, 0);
  return Math.max(
    0,
    meanA.reduce((sum, v, i) => sum + (v - meanB[i]!) ** 2, 0) +
      trace(covA) +
      trace(covB) -
      2 * between,
  );
}

/** All distances between points, squared: [n][n]. */
export function squaredDistances(points: Points): Float64Array[] {
  return points.map((p) =>
    Float64Array.from(points, (q) => p.reduce((sum, v, i) => sum + (v - q[i]!) ** 2, 0)),
  );
}

/**
 * Unbiased squared maximum mean discrepancy (Gretton et al. 2012, equation 3) with a Gaussian
 * kernel, from its kernel matrix. `inA`: which points are the first cloud's.
 */
export function meanDiscrepancy(kernel: readonly Float64Array[], inA: readonly boolean[]): number {
  let [aa, bb, ab] = [0, 0, 0];
  for (const [i, row] of kernel.entries()) {
    for (let j = 0; j < i; j++) {
      if (inA[i] !== inA[j]) ab += row[j]!;
      else if (inA[i]) aa += 2 * row[j]!;
      else bb += 2 * row[j]!;
    }
  }
  const n = inA.filter(Boolean).length;
  const m = inA.length - n;
  return aa / (n * (n - 1)) + bb / (m * (m - 1)) - (2 * ab) / (n * m);
}

/** exp(−d² / 2σ²), σ² the median of the squared distances. */
export function gaussianKernel(distances: readonly Float64Array[]): Float64Array[] {
  const all = distances.flatMap((row, i) => [...row.subarray(0, i)]).sort((a, b) => a - b);
  const width = all[all.length >> 1] || 1;
  return distances.map((row) => row.map((d) => Math.exp(-d / (2 * width))));
}

/**
 * The class that most of the k nearest reference points have, the nearest deciding between equals.
 * @param distances squared, [n][n]
 * @returns one class for each query
 */
export function nearestNeighbours(
  distances: readonly Float64Array[],
  classes: readonly string[],
  references: readonly number[],
  queries: readonly number[],
  k: number,
): string[] {
  return queries.map((q) => {
    const near = references
      .toSorted((a, b) => distances[q]![a]! - distances[q]![b]!)
      .slice(0, k)
      .map((i) => classes[i]!);
    const votes = new Map<string, number>();
    for (const label of near) votes.set(label, (votes.get(label) ?? 0) + 1);
    return [...votes].sort(([, a], [, b]) => b - a)[0]![0];
  });
}
