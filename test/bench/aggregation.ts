// Opening, decoding and averaging 10 and 100 sealed updates of the whole B0, as the coordinator
// does: time, memory, and the event loop's delay.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { toBase64 } from '../../common/crypto/base64.js';
import { sealUpdate } from '../../common/crypto/envelope.js';
import { clinicIdOf, createIdentity, createRoundKey } from '../../common/crypto/identity.js';
import { trainableSpecs } from '../../common/model/architecture.js';
import { encodeParameters } from '../../common/model/encoding.js';
import type { Encoding } from '../../common/update/encoding.js';
import { Random } from '../../common/random.js';
import { encodings } from '../../common/update/encoding.js';
import { ParameterSet } from '../../common/update/parameter-set.js';
import type { SealedUpdate } from '../../coordinator/aggregation/aggregate.js';
import type { Jobs, Measured } from './aggregate-once.js';
import { type Benchmark, median, megabytes, table } from './benchmark.js';

const CHILD = fileURLToPath(new URL('./aggregate-once.js', import.meta.url));
const SPECS = trainableSpecs('efficientnet_b0', 6, 'features.0');
const STUDY = '0198c0de-0000-7000-8000-000000000001';
const ATTEMPT = '0198c0de-0000-7000-8000-000000000003';
const SAMPLES = 120;
/** Number of different deltas; with more clinics they are reused, each sealed by another clinic. */
const DELTAS = 5;
const REPEATS = 5;

export const aggregation: Benchmark = {
  name: 'aggregation',
  title: 'Aggregation: 10 and 100 updates of a whole EfficientNet-B0',
  command: 'npm run bench -- aggregation',
  async run(say) {
    const random = new Random('aggregation');
    const base = new ParameterSet(
      SPECS,
      Float32Array.from({ length: new ParameterSet(SPECS).length }, () => random.normal(0, 1)),
    );
    const deltas = Array.from({ length: DELTAS }, () =>
      Float32Array.from({ length: base.length }, () => random.normal(0, 0.001)),
    );
    const rows: string[][] = [];
    for (const encoding of ['int8', 'float32'] as const) {
      const folder = await mkdtemp(join(tmpdir(), 'lentigo-bench-'));
      try {
        say(`sealing 100 updates, ${encoding}`);
        const sealed = await sealAll(100, encoding, deltas, base, folder);
        for (const clinics of [10, 100]) {
          say(`${clinics} updates, ${encoding}`);
          const { checkMs, aggregateMs, delayMs, memory } = await measure(sealed, clinics, folder);
          rows.push([
            `${clinics} × ${encoding}`,
            megabytes(sealed.bytes),
            median(checkMs).toFixed(0),
            median(aggregateMs).toFixed(0),
            `${Math.min(...aggregateMs).toFixed(0)}–${Math.max(...aggregateMs).toFixed(0)}`,
            lowerBound(clinics, deltas).toFixed(0),
            megabytes(memory.before),
            megabytes(memory.peak),
            delayMs.p99.toFixed(1),
            delayMs.max.toFixed(1),
          ]);
        }
      } finally {
        await rm(folder, { recursive: true });
      }
    }
    return `${base.length.toLocaleString('en')} parameters. *Check* is all that happens to one update as it arrives (signature, claims, decryption, payload hash, every value). *Aggregate* is a round's whole aggregation, from sealed files to a durably written model: base read and hashed, signatures verified again, decrypted, decoded, averaged with float64 sums, encoded, hashed, written, fsynced; median and range of ${REPEATS}. *Sum only* is the reference of the same minute: a plain loop over deltas that lie decoded in memory, float64 sums, nothing else. Memory is the resident memory of the whole process, before the first aggregation and at its peak. *Event loop* is what a 1 ms timer in the coordinator's main thread came late meanwhile.

${table(['updates', 'MB each', 'check one, ms', 'aggregate, ms', 'range', 'sum only, ms', 'memory before, MB', 'peak, MB', 'event loop p99, ms', 'at most, ms'], rows)}`;
  },
};

interface Sealed {
  /** Size of each update. */
  readonly bytes: number;
  readonly encoding: Encoding;
  readonly roundSecretKey: string;
  readonly updates: readonly SealedUpdate[];
  readonly base: { readonly path: string; readonly sha256: string };
}

async function sealAll(
  clinics: number,
  encoding: Encoding,
  deltas: readonly Float32Array[],
  base: ParameterSet,
  folder: string,
): Promise<Sealed> {
  const roundKey = createRoundKey();
  const baseBytes = encodeParameters(base);
  const baseRef = {
    path: join(folder, 'base'),
    sha256: createHash('sha256').update(baseBytes).digest('hex'),
  };
  await writeFile(baseRef.path, baseBytes);
  const payloads = deltas.map((delta, k) => encodings.get(encoding).encode(delta, new Random(k)));
  const updates: SealedUpdate[] = [];
  let bytes = 0;
  for (let k = 0; k < clinics; k++) {
    const identity = createIdentity();
    const clinic = await clinicIdOf(identity.publicKey);
    const header = {
      study: STUDY,
      round: 1,
      attempt: ATTEMPT,
      clinic,
      base: baseRef.sha256,
      encoding,
      samples: SAMPLES,
    };
    const sealed = await sealUpdate({
      header,
      payload: payloads[k % payloads.length]!,
      roundKey: toBase64(roundKey.publicKey),
      identity,
    });
    const path = join(folder, clinic);
    await writeFile(path, sealed);
    updates.push({ clinic, path, samples: SAMPLES, clinicKey: toBase64(identity.publicKey) });
    bytes = sealed.length;
  }
  return { bytes, encoding, roundSecretKey: toBase64(roundKey.secretKey), updates, base: baseRef };
}

async function measure(
  { updates: all, base, encoding, roundSecretKey }: Sealed,
  clinics: number,
  folder: string,
): Promise<Measured> {
  const updates = all.slice(0, clinics);
  const jobs: Jobs = {
    roundSecretKey,
    repeats: REPEATS,
    checks: updates.slice(0, 10).map(({ clinic, clinicKey, path, samples }) => ({
      path,
      expected: {
        study: STUDY,
        round: 1,
        attempt: ATTEMPT,
        clinic,
        clinicKey,
        base: base.sha256,
        encoding,
        minSamples: samples,
        maxSamples: samples,
        maxNorm: 100,
        count: new ParameterSet(SPECS).length,
      },
    })),
    aggregate: {
      updates,
      round: 1,
      strategy: { name: 'fedavg' },
      base,
      state: null,
      specs: SPECS,
      encoding,
      out: { base: join(folder, 'result'), state: join(folder, 'state') },
    },
  };
  const file = join(folder, 'jobs.json');
  await writeFile(file, JSON.stringify(jobs));
  const { stdout } = await promisify(execFile)(process.execPath, [CHILD, file]);
  return JSON.parse(stdout) as Measured;
}

/** Milliseconds for the sums alone. */
function lowerBound(clinics: number, deltas: readonly Float32Array[]): number {
  const times: number[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const began = performance.now();
    const sum = new Float64Array(deltas[0]!.length);
    for (let k = 0; k < clinics; k++) {
      const delta = deltas[k % deltas.length]!;
      for (let i = 0; i < sum.length; i++) sum[i]! += SAMPLES * delta[i]!;
    }
    for (let i = 0; i < sum.length; i++) sum[i]! /= SAMPLES * clinics;
    times.push(performance.now() - began);
  }
  return median(times);
}
