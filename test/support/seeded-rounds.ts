// Rounds written straight into a coordinator's database while it is stopped: what a console shows
// after weeks, without the weeks.
import { createHash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { type Metrics, metricsOf, SCORE_NAMES } from '../../common/evaluation/metrics.js';
import { PAD_UFES_LABELS } from '../../common/model/labels.js';
import { Random } from '../../common/random.js';
import { openDatabase } from '../../coordinator/storage/database.js';
import { signTerms } from '../../coordinator/rounds/announcement.js';
import { Keys } from '../../coordinator/storage/keys.js';
import { json } from '../../coordinator/storage/rows.js';
import { Store } from '../../coordinator/storage/store.js';

const LEVELS = 12;
const ROUND_MS = 290_000;
/** How long ago the open round was announced. */
const OPEN_MS = 130_000;
/** Nobody answers these rounds: of the right form, and of nobody. */
const ROUND_KEY = 'A'.repeat(43) + '=';
/** The terms of rounds that are over, which nobody is sent again. */
const PAST_TERMS = { body: '{}', signature: 'A'.repeat(86) + '==' };

/**
 * Metrics of made-up predictions on 460 photographs of 230 patients, better the higher `skill`
 * (0–1) is.
 */
function metricsAt(skill: number, seed: string, threshold: number | 'choose'): Metrics {
  const random = new Random(seed);
  const shares = [0.32, 0.37, 0.04, 0.11, 0.08, 0.08];
  const labels = Array.from({ length: 460 }, (_, i) => {
    const at = ((i * 137) % 460) / 460;
    let sum = 0;
    return shares.findIndex((share) => (sum += share) > at);
  });
  const probabilities = labels.map((label) => {
    const logits = shares.map(
      (share, c) =>
        0.4 * Math.log(share) + random.normal(0, 1.1) + (c === label ? 0.7 + 1.3 * skill : 0),
    );
    const exps = logits.map(Math.exp);
    const total = exps.reduce((a, b) => a + b, 0);
    return exps.map((e) => e / total);
  });
  return metricsOf(
    {
      labels,
      probabilities,
      patients: labels.map((_, i) => String(i >> 1)),
      fitzpatrick: labels.map((_, i) => [2, 2, 3, 1, 3, 4, undefined, 5, 2, 3][(i >> 1) % 10]),
    },
    PAD_UFES_LABELS,
    1,
    threshold,
  );
}

/** The same metrics a little off: no two rounds are alike. */
function jittered(metrics: Metrics, random: Random): Metrics {
  const off = random.normal(0, 0.006);
  const moved = (v: number | null) => (v === null ? null : Math.min(1, Math.max(0, v + off)));
  const scores = Object.fromEntries(SCORE_NAMES.map((name) => [name, moved(metrics[name])]));
  const intervals = Object.fromEntries(
    SCORE_NAMES.map((name) => [
      name,
      metrics.intervals[name] && {
        low: moved(metrics.intervals[name].low),
        high: moved(metrics.intervals[name].high),
      },
    ]),
  );
  return { ...metrics, ...scores, intervals } as Metrics;
}

export interface Seeding {
  readonly study: string;
  readonly clinics: readonly string[];
  /** Rounds that are over. */
  readonly rounds: number;
  /**
   * Leaves the study running, with one more round open, to which this many clinics have returned.
   */
  readonly open?: { readonly returned: number };
  readonly now?: number;
}

/** @returns the attempt that is open, if one is */
export async function seedRounds(
  dataDir: string,
  { study, clinics, rounds, open, now = Date.now() }: Seeding,
): Promise<string | null> {
  const database = await openDatabase({ dataDir });
  try {
    const { prisma } = database;
    const stored = await new Store(database).study(study);
    const { state } = stored;
    const random = new Random('seeded rounds');
    const templates = Array.from({ length: LEVELS }, (_, level) => {
      const skill = level / (LEVELS - 1);
      const validation = metricsAt(skill, `validation ${level}`, 'choose');
      const { threshold } = validation.operatingPoint!;
      return { validation, heldout: metricsAt(skill, `heldout ${level}`, threshold) };
    });
    const began = now - OPEN_MS - (rounds + 1) * ROUND_MS;
    const hash = (text: string) => createHash('sha256').update(text).digest('hex');
    let best = { number: 0, score: -1 };
    const attempts = Array.from({ length: rounds + 1 }, () => uuidv7());
    const planned = (n: number) => new Date(began + n * ROUND_MS);
    const returned = (n: number) =>
      clinics.filter((_, i) => n % 9 !== 4 || i !== n % clinics.length);
    const { parameters } = state.next;
    const base = { baseSha256: parameters.sha256, baseBytes: parameters.bytes };
    const result = { resultSha256: parameters.sha256, resultBytes: parameters.bytes };
    await prisma.round.createMany({
      data: attempts.map((id, number) => ({
        id,
        studyId: study,
        number,
        phase: 'closed' as const,
        ...base,
        ...result,
        cohort: number === 0 ? [] : [...clinics],
        ...(number > 0 && {
          roundKey: ROUND_KEY,
          terms: PAST_TERMS,
          openedAt: planned(number),
          deadlineAt: new Date(planned(number).getTime() + 3_600_000),
        }),
        plannedAt: planned(number),
        closedAt: new Date(planned(number).getTime() + (number === 0 ? 40_000 : 265_000)),
        bytesDown: BigInt(number === 0 ? 0 : clinics.length * 4_180_000),
        reason: null,
      })),
    });
    const update = (attempt: string, clinic: string, at: number) => ({
      attempt,
      clinicId: clinic,
      studyId: study,
      sha256: hash(attempt + clinic),
      bytes: 1_062_400 + random.int(4000),
      samples: 60 + (Number.parseInt(clinic.slice(0, 4), 16) % 240),
      norm: 0.8 + random.uniform(0, 0.9),
      receipt: json({ body: '{}', signature: '' }),
      acceptedAt: new Date(at + 90_000 + random.int(140_000)),
    });
    for (let first = 1; first <= rounds; first += 50) {
      await prisma.update.createMany({
        data: attempts
          .slice(first, Math.min(rounds + 1, first + 50))
          .flatMap((attempt, i) =>
            returned(first + i).map((clinic) =>
              update(attempt, clinic, planned(first + i).getTime()),
            ),
          ),
      });
    }
    const evaluations = attempts.map((attempt, n) => {
      const level = Math.min(
        LEVELS - 1,
        Math.floor(LEVELS * (1 - Math.exp((-3 * n) / Math.max(8, rounds)))),
      );
      const validation = jittered(templates[level]!.validation, random);
      const score = validation.balancedAccuracy ?? 0;
      if (score > best.score) best = { number: n, score };
      return {
        attempt,
        validation: json(validation),
        heldout: json(jittered(templates[level]!.heldout, random)),
        seconds: 31.4,
        modelSha256: parameters.sha256,
        modelBytes: parameters.bytes,
        evaluatedAt: new Date(planned(n).getTime() + 260_000),
      };
    });
    for (let i = 0; i < evaluations.length; i += 50)
      await prisma.evaluation.createMany({ data: evaluations.slice(i, i + 50) });
    // A round that first failed for want of clinics.
    if (rounds > 5)
      await prisma.round.create({
        data: {
          id: uuidv7(),
          studyId: study,
          number: 5,
          phase: 'failed',
          ...base,
          cohort: clinics.slice(0, 3),
          roundKey: ROUND_KEY,
          terms: PAST_TERMS,
          openedAt: planned(5),
          deadlineAt: new Date(planned(5).getTime() + 60_000),
          plannedAt: new Date(planned(5).getTime() - 1000),
          closedAt: new Date(planned(5).getTime() + 60_000),
          bytesDown: BigInt(3 * 4_180_000),
          reason: '0 of 3 clinics returned an update by the deadline; the quorum is 3',
        },
      });
    let attempt: string | null = attempts.at(-1)!;
    if (open) {
      attempt = uuidv7();
      const openedAt = new Date(now - OPEN_MS);
      const cohort = clinics.toSorted();
      const secretKey = await new Keys(dataDir).studyKey(study);
      const planned = { phase: 'planned', number: rounds + 1, attempt, from: state.next } as const;
      await prisma.round.create({
        data: {
          id: attempt,
          studyId: study,
          number: rounds + 1,
          phase: 'open',
          ...base,
          resultSha256: null,
          resultBytes: null,
          cohort,
          quorum: 2,
          roundKey: ROUND_KEY,
          terms: json(signTerms(stored, planned, { cohort, roundKey: ROUND_KEY }, secretKey)),
          plannedAt: openedAt,
          openedAt,
          deadlineAt: new Date(now + 3_470_000),
          closedAt: null,
          bytesDown: 0n,
          reason: null,
        },
      });
      await prisma.update.createMany({
        data: clinics
          .slice(0, open.returned)
          .map((clinic) => update(attempt!, clinic, openedAt.getTime() - 60_000)),
      });
    }
    await prisma.study.update({
      where: { id: study },
      data: {
        status: open ? 'running' : 'completed',
        reason: open ? null : `all ${rounds} rounds are done`,
        completed: rounds,
        attempt,
        bestRound: best.number,
        bestScore: best.score,
        bestSha256: parameters.sha256,
        bestBytes: parameters.bytes,
      },
    });
    await seedAudit(database, {
      study,
      clinics,
      rounds,
      attempts,
      open: open ? { attempt: attempt, returned: open.returned } : undefined,
      began,
      evaluations,
      returned,
    });
    return open ? attempt : null;
  } finally {
    await database.close();
  }
}

interface SeededAudit {
  readonly study: string;
  readonly clinics: readonly string[];
  readonly rounds: number;
  readonly attempts: readonly string[];
  readonly open: { readonly attempt: string; readonly returned: number } | undefined;
  readonly began: number;
  readonly evaluations: readonly { readonly validation: object }[];
  readonly returned: (round: number) => readonly string[];
}

/** The chain of the last rounds, each entry at its time. */
async function seedAudit(
  database: Awaited<ReturnType<typeof openDatabase>>,
  { study, clinics, rounds, attempts, open, began, evaluations, returned }: SeededAudit,
): Promise<void> {
  const record = async (
    at: number,
    actor: string,
    action: string,
    detail: Record<string, string | number | string[]>,
  ) => void (await new Store(database, () => at).record(study, [{ actor, action, detail }]));
  const updates = async (round: number, attempt: string, of: readonly string[], at: number) => {
    for (const [i, clinic] of of.entries())
      await record(at + i * 21_000, clinic, 'update', {
        clinic,
        round,
        attempt,
        samples: 60 + (Number.parseInt(clinic.slice(0, 4), 16) % 240),
      });
  };
  for (let round = Math.max(1, rounds - 2); round <= rounds; round++) {
    const at = began + round * ROUND_MS;
    const attempt = attempts[round]!;
    await record(at, 'coordinator', 'open', { round, attempt, cohort: [...clinics] });
    if (clinics.length < 10) await updates(round, attempt, returned(round), at + 60_000);
    await record(at + 230_000, 'coordinator', 'aggregated', { round, attempt });
    await record(at + 262_000, 'coordinator', 'evaluated', {
      round,
      attempt,
      score: (evaluations[round]!.validation as Metrics).balancedAccuracy ?? 0,
    });
  }
  if (!open) return;
  const at = began + (rounds + 1) * ROUND_MS;
  await record(at, 'coordinator', 'open', {
    round: rounds + 1,
    attempt: open.attempt,
    cohort: [...clinics],
  });
  await updates(rounds + 1, open.attempt, clinics.slice(0, open.returned), at + 70_000);
}
