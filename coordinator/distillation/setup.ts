// The setup of a distillation: the recipe as the options choose, the images of the three splits,
// the networks' starting weights, and a folder of its own.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openDataset } from '../../common/dataset/open.node.js';
import { dataUsed } from '../../common/dataset/used.node.js';
import { partitionByPatient } from '../../common/dataset/partition.js';
import { remarks } from '../../common/dataset/remarks.js';
import { SPLITS, type Sample, type Split } from '../../common/dataset/sample.js';
import { differencesOf } from '../../common/differences.js';
import { useEngine } from '../../common/engine/engine.node.js';
import { LentigoError } from '../../common/errors.js';
import { requireDefined } from '../../common/federation/selection.js';
import { writeDurably } from '../../common/files/durable.node.js';
import { claimOutput, stateFolder } from '../../common/files/output-folder.node.js';
import { sha256Of } from '../../common/files/sha256.node.js';
import { encodeParameters } from '../../common/model/encoding.js';
import type { DataUsed } from '../../common/model/provenance.js';
import { initialParameters, type Model } from '../../common/model/student.js';
import type { TeacherModel } from '../../common/model/teacher.js';
import { decodeTeacher, encodeTeacher } from '../../common/model/teacher-file.js';
import { Random } from '../../common/random.js';
import type { ParameterSet } from '../../common/update/parameter-set.js';
import type { Losses, Recipe, TeacherPlan } from './recipe.js';
import { startingModel, startingTeacher } from './start.js';
import type { Splits } from './tasks.js';

export const LOSS_NAMES = ['logits', 'features', 'attention'] as const;
export type LossName = (typeof LOSS_NAMES)[number];
/**
 * Metadata for teachers: every column of the recipe, only those that no training sample lacks, or
 * none.
 */
export const METADATA_CHOICES = ['all', 'complete', 'none'] as const;

export interface DistillationConfig {
  readonly recipe: Recipe;
  /**
   * A name among the recipe's teachers; null for the student without a teacher, with the same
   * budget.
   */
  readonly teacher: string | null;
  /** Those of the recipe's losses with which the teacher teaches. */
  readonly losses: readonly LossName[];
  readonly metadata: (typeof METADATA_CHOICES)[number];
  /** The dataset, as openDataset takes it. */
  readonly data: string;
  /**
   * Cross-validation: which of how many parts of the patients is held out, from 1, instead of the
   * archive's own split.
   */
  readonly fold?: { readonly fold: number; readonly of: number };
  /** Seed of all training; the splits don't depend on it. */
  readonly seed: number;
  /** Starting weights of the student. */
  readonly init?: string;
  /** Starting weights of the teachers, in order. */
  readonly teacherInit: readonly string[];
  /** The folder of another distillation, whose teachers are taken as they are. */
  readonly teachersFrom?: string;
}

export interface TeacherStart {
  /** What the parameters of these names begin with. */
  readonly start?: ParameterSet;
  readonly trained?: TeacherModel;
  /** The content of history.json of `trained`. */
  readonly history?: string;
}

export interface DistillationSetup {
  readonly recipe: Recipe;
  readonly splits: Splits;
  /** The recipe's, 0 where not chosen. */
  readonly losses: Losses;
  readonly metadata: DistillationConfig['metadata'];
  readonly teachers: readonly TeacherPlan[];
  readonly teacherStarts: readonly TeacherStart[];
  readonly student: Model;
  /** Whether the student has no weights to start from. */
  readonly fromScratch: boolean;
  readonly seed: number;
  /** Everything that the numbers depend on. */
  readonly settings: object;
  readonly problems: readonly string[];
  /** The images, as a model that is made from them remembers them. */
  readonly data: DataUsed;
}

/**
 * @throws LENTIGO_USAGE an option that the recipe doesn't have; LENTIGO_DATA_EMPTY a split without
 *   images; LENTIGO_METRIC_UNDEFINED; what openDataset and startingModel throw
 */
export async function setUp(config: DistillationConfig): Promise<DistillationSetup> {
  const { recipe, teacher, metadata, seed } = config;
  const { labels } = recipe;
  const teachers = plansOf(config);
  const losses = lossesOf(config, teachers.length);
  const engine = await useEngine();
  const random = new Random(seed);
  const dataset = await openDataset(config.data, { labels });
  const splits = splitsOf(
    config.fold ? foldOf(dataset.samples, config.fold) : dataset.samples,
    dataset.name,
  );
  for (const metric of [recipe.select].flat())
    requireDefined(
      metric,
      splits.validation.map(({ label }) => label),
      labels,
      dataset.name,
    );
  const student: Model =
    config.init === undefined
      ? {
          architecture: recipe.student.architecture,
          labels,
          parameters: initialParameters(
            recipe.student.architecture,
            labels,
            random.fork('student'),
          ),
        }
      : await startingModel(
          config.init,
          recipe.student.architecture,
          labels,
          random.fork('student'),
        );
  const teacherStarts = await Promise.all(
    teachers.map((plan, i) => teacherStart(config, plan, i, random)),
  );
  const { about: _, teachers: __, ...kept } = recipe;
  const data = Object.values(splits)
    .flat()
    .map(({ id, label, patient, split, clinical }) => [id, label, patient, split, clinical]);
  const settings = {
    format: 1,
    engine,
    recipe: { ...kept, teachers },
    teacher,
    losses: config.losses,
    metadata,
    seed,
    ...(config.fold && { fold: config.fold }),
    hashes: {
      data: sha256Of(JSON.stringify(data)),
      student: sha256Of(encodeParameters(student.parameters)),
      teachers: teacherStarts.map(hashOf),
    },
  };
  return {
    recipe,
    splits,
    losses,
    metadata,
    teachers,
    teacherStarts,
    student,
    fromScratch: config.init === undefined,
    seed,
    settings,
    problems: remarks(dataset),
    data: dataUsed(dataset, 'training and evaluation'),
  };
}

function plansOf({
  recipe,
  teacher,
  teacherInit,
  teachersFrom,
}: DistillationConfig): readonly TeacherPlan[] {
  if (teacher === null) return [];
  const plans = recipe.teachers[teacher];
  if (!plans)
    throw new LentigoError(
      'LENTIGO_USAGE',
      `--teacher ${teacher}: the preset ${recipe.name} has ${Object.keys(recipe.teachers).join(', ')}`,
    );
  if (teacherInit.length > 0 && teacherInit.length !== plans.length)
    throw new LentigoError(
      'LENTIGO_USAGE',
      `--teacher-init: there are ${plans.length} teachers (${plans.map((p) => p.architecture).join(', ')}), and ${teacherInit.length} files`,
    );
  if (teacherInit.length > 0 && teachersFrom !== undefined)
    throw new LentigoError(
      'LENTIGO_USAGE',
      '--teachers-from takes trained teachers as they are; --teacher-init is about training them',
    );
  return plans;
}

function lossesOf({ recipe, losses }: DistillationConfig, teachers: number): Losses {
  const { alpha, temperature, features, attention } = recipe.losses;
  const weights = { logits: alpha, features, attention };
  const without = teachers > 0 ? losses.find((name) => weights[name] === 0) : undefined;
  if (without)
    throw new LentigoError(
      'LENTIGO_USAGE',
      `--losses ${without}: the preset ${recipe.name} doesn't compare ${without}`,
    );
  const chosen = (name: LossName): number => (losses.includes(name) ? weights[name] : 0);
  return {
    alpha: chosen('logits'),
    temperature,
    features: chosen('features'),
    attention: chosen('attention'),
  };
}

function splitsOf(samples: readonly Sample[], name: string): Splits {
  const of = (split: Split): Sample[] => samples.filter((sample) => sample.split === split);
  const splits = { train: of('train'), validation: of('validation'), heldout: of('heldout') };
  for (const split of SPLITS)
    if (splits[split].length === 0)
      throw new LentigoError(
        'LENTIGO_DATA_EMPTY',
        `${name} has no usable image in the ${split} split, which a distillation needs`,
      );
  return splits;
}

/**
 * Part `fold` held out; of the others' patients one in so many for validation. The same parts
 * whatever the seed of training.
 */
function foldOf(
  samples: readonly Sample[],
  { fold, of }: NonNullable<DistillationConfig['fold']>,
): Sample[] {
  const parts = partitionByPatient(samples, of, new Random('folds'));
  const rest = parts.flatMap((part, i) => (i === fold - 1 ? [] : part));
  const validation = new Set(partitionByPatient(rest, of, new Random('folds').fork(fold))[0]);
  return [
    ...parts[fold - 1]!.map((sample) => ({ ...sample, split: 'heldout' as const })),
    ...rest.map((sample) => ({
      ...sample,
      split: validation.has(sample) ? ('validation' as const) : ('train' as const),
    })),
  ];
}

async function teacherStart(
  { recipe, teacherInit, teachersFrom }: DistillationConfig,
  plan: TeacherPlan,
  i: number,
  random: Random,
): Promise<TeacherStart> {
  if (teachersFrom !== undefined) {
    const folder = join(teachersFrom, `teacher-${i + 1}`);
    const trained = decodeTeacher(await read(join(folder, 'teacher.safetensors')));
    if (trained.design.architecture !== plan.architecture)
      throw new LentigoError(
        'LENTIGO_WEIGHTS_INVALID',
        `${folder} holds a teacher on ${trained.design.architecture}, not on ${plan.architecture}`,
      );
    if (trained.labels.names.join() !== recipe.labels.names.join())
      throw new LentigoError(
        'LENTIGO_WEIGHTS_INVALID',
        `${folder} holds a teacher of ${trained.labels.names.join(', ')}, not of ${recipe.labels.names.join(', ')}`,
      );
    return { trained, history: (await read(join(folder, 'history.json'))).toString('utf8') };
  }
  const path = teacherInit[i];
  return path === undefined ? {} : { start: await startingTeacher(path, plan, recipe, random) };
}

const read = (path: string): Promise<Buffer> =>
  readFile(path).catch((cause: unknown) => {
    throw new LentigoError(
      'LENTIGO_WEIGHTS_INVALID',
      `${path} can't be read: ${(cause as Error).message}`,
      { cause },
    );
  });

const hashOf = ({ start, trained }: TeacherStart): string =>
  trained ? sha256Of(encodeTeacher(trained)) : start ? sha256Of(encodeParameters(start)) : 'drawn';

/**
 * Takes the folder `out` for these settings, or finds that it has them already.
 * @throws LENTIGO_DISTILLATION_OTHER it has others; LENTIGO_USAGE it holds something else
 */
export async function claimFolder(out: string, settings: object): Promise<void> {
  const text = await claimOutput(out, 'distillation', SETTINGS);
  if (text === undefined)
    return await writeDurably(
      join(stateFolder(out), SETTINGS),
      `${JSON.stringify(settings, undefined, 1)}\n`,
    );
  const differences = differencesOf(
    JSON.parse(text) as object,
    JSON.parse(JSON.stringify(settings)) as object,
  );
  if (differences.length > 0)
    throw new LentigoError(
      'LENTIGO_DISTILLATION_OTHER',
      `${out} holds another distillation: ${differences.slice(0, 5).join('; ')}`,
    );
}

const SETTINGS = 'settings.json';
