// Results of finished distillations: teachers, and students with and without them.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { PACKAGE_ROOT } from '../support/shared-data.js';
import type { Benchmark } from './benchmark.js';
import { benchmarkOfFinished } from './finished.js';

/** Distillations with one preset, shown side by side. */
interface Distillations extends Pick<Benchmark, 'name' | 'title'> {
  /** Environment variable with their folders, relative to the package. */
  readonly variable: string;
  readonly folders: readonly string[];
  /** What a split keeps together. */
  readonly splitBy: 'patient' | 'lesion';
  /** The meaning of the names in their commands. */
  readonly data: string;
  readonly names: string;
  /** The commands' --init and --teacher-init. */
  readonly init?: string | undefined;
  readonly teacherInit: string;
  /** Text after the results. */
  readonly beside: string;
}

const PAD_UFES = {
  splitBy: 'patient',
  data: 'PAD_UFES_DIR',
  names:
    "`PAD_UFES_DIR`: the published data set; `B0_DIR`: `lentigo weights import` of an EfficientNet-B0 with torchvision's names; `V2_FILE`: Keras' EfficientNetV2-B0",
  init: 'B0_DIR',
  teacherInit: 'V2_FILE',
} as const;

const ofSeeds = (name: string): string[] =>
  [0, 1, 2].map((seed) => `out/${name.replace('N', String(seed))}`);

const Report = z.looseObject({
  settings: z.looseObject({
    engine: z.string(),
    recipe: z.looseObject({ name: z.string(), metadata: z.unknown().optional() }),
    teacher: z.string().nullable(),
    losses: z.array(z.string()),
    metadata: z.string(),
    seed: z.int(),
    fold: z.strictObject({ fold: z.int(), of: z.int() }).optional(),
  }),
  images: z.strictObject({ train: z.int(), validation: z.int(), heldout: z.int() }),
});
type Report = z.infer<typeof Report>;

export const distillation = benchmarkOf({
  name: 'distillation',
  title: 'The distilled student, on PAD-UFES-20',
  variable: 'LENTIGO_DISTILLATIONS',
  folders: [
    ...['plain-N', 'distilled-N', 'distilled-N-logits', 'distilled-N-logits-features'].flatMap(
      ofSeeds,
    ),
    'out/distilled-0-complete',
    ...['distilled-N-complete-logits-features', 'distilled-N-none'].flatMap(ofSeeds),
  ],
  ...PAD_UFES,
  beside:
    "Choices, such as that among the losses, are made by the last two columns, validation's; a difference is one where its interval excludes 0. Most of PAD-UFES-20's metadata is missing exactly where no biopsy was taken, so that what is missing tells the class by itself: a teacher with `metadata complete` reads only the columns that no training row lacks, one with `metadata none` the photograph alone.",
});

export const folds = benchmarkOf({
  name: 'folds',
  title: 'The distilled student, cross-validated on PAD-UFES-20',
  variable: 'LENTIGO_FOLDS',
  folders: [1, 2, 3, 4, 5].flatMap((fold) => [
    `out/fold-${fold}-plain`,
    `out/fold-${fold}-distilled`,
    `out/fold-${fold}-distilled-none`,
  ]),
  ...PAD_UFES,
  beside:
    "The losses, and the teacher that reads no metadata, are what validation chose in the section above; the one that reads all stands beside it. Validation's photographs there are a seventh of those held out here. The folds do not follow the archive's split: each holds out a fifth of all patients, and a fifth of the others' decide on the epoch.",
});

export const dermoscopy = benchmarkOf({
  name: 'ham10000',
  title: 'A distilled student of dermoscopic images, on HAM10000',
  variable: 'LENTIGO_HAM10000_DISTILLATIONS',
  folders: ['out/ham10000-plain', 'out/ham10000-distilled'],
  splitBy: 'lesion',
  data: 'HAM10000_DIR',
  names:
    "`HAM10000_DIR`: a part of the published data set; `V2_FILE`: Keras' EfficientNetV2-B0; no published weights of the preset's other networks were at hand, so the student starts from drawn ones",
  teacherInit: 'V2_FILE',
  beside:
    'A student from drawn weights learns little from a thousand images; the two are to be compared with each other alone.',
});

function benchmarkOf({
  splitBy,
  names,
  beside,
  data,
  init,
  teacherInit,
  ...runs
}: Distillations): Benchmark {
  return benchmarkOfFinished({
    ...runs,
    by: 'distill',
    read: (json) => Report.parse(json),
    async section(reports, outs, summary) {
      const teachers = await Promise.all(outs.map(teacherHash));
      const commands = reports.map((report, i) => {
        const first = teachers[i] === undefined ? i : teachers.indexOf(teachers[i]);
        return commandOf(
          report,
          { data, init, teacherInit },
          outs[i]!,
          first < i ? outs[first] : undefined,
        );
      });
      return `${imagesOf(reports)}, divided by ${splitBy}; each epoch chosen on validation. Made by these (${names}):

\`\`\`sh
${commands.join('\n')}
\`\`\`

\`\`\`
${summary}
\`\`\`

${beside}`;
    },
  });
}

/**
 * SHA-256 of a run's (first) teacher, which identifies runs that share it; undefined if there is
 * none.
 */
async function teacherHash(out: string): Promise<string | undefined> {
  return readFile(join(PACKAGE_ROOT, out, 'teacher-1', 'teacher.safetensors')).then(
    (bytes) => createHash('sha256').update(bytes).digest('hex'),
    () => undefined,
  );
}

/**
 * For example "594 training, 145 validation and 253 held-out photographs"; for folds, all images
 * that they hold out in turn.
 */
function imagesOf(reports: readonly Report[]): string {
  const { train, validation, heldout } = reports[0]!.images;
  const { fold } = reports[0]!.settings;
  return fold
    ? `${train + validation + heldout} photographs, each held out once in ${fold.of} parts`
    : `${train} training, ${validation} validation and ${heldout} held-out photographs`;
}

/**
 * The command that produces this report.
 * @param from the folder whose teacher it took
 */
function commandOf(
  { settings: { engine, recipe, teacher, losses, metadata, seed, fold } }: Report,
  { data, init, teacherInit }: Pick<Distillations, 'data' | 'init' | 'teacherInit'>,
  out: string,
  from: string | undefined,
): string {
  const options = [
    ...(init === undefined ? [] : [`--init ${init}`]),
    ...(teacher === null
      ? ['--without-teacher']
      : [
          `--teacher ${teacher}`,
          from === undefined ? `--teacher-init ${teacherInit}` : `--teachers-from ${from}`,
          `--losses ${losses.join(',')}`,
          ...(recipe.metadata === undefined ? [] : [`--metadata ${metadata}`]),
        ]),
    ...(fold ? [`--fold ${fold.fold}/${fold.of}`] : []),
  ];
  return `LENTIGO_ENGINE=${engine} npx lentigo distill --preset ${recipe.name} --data ${data} ${options.join(' ')} --seed ${seed} --out ${out}`;
}
