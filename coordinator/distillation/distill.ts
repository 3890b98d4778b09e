// A distillation from start to end: trains the teachers, computes their outputs for every
// photograph, and trains the student on them. What is on disk already is not done again.
import * as tf from '@tensorflow/tfjs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { LentigoError } from '../../common/errors.js';
import { lockDirectory } from '../../common/files/directory-lock.node.js';
import { stateFolder } from '../../common/files/output-folder.node.js';
import { systemCode, writeDurably } from '../../common/files/durable.node.js';
import { type Evaluated, predictSamples } from '../../common/evaluation/evaluate.js';
import { FolderFeatureCache } from '../../common/training/feature-cache.node.js';
import { InputThread } from '../../common/training/input-thread.node.js';
import type { InputReader } from '../../common/training/inputs.js';
import { type Metrics, metricsOf } from '../../common/evaluation/metrics.js';
import { type PartialAuc, partialAuc } from '../../common/evaluation/partial-auc.js';
import { predictionsPath, writePredictions } from '../../common/evaluation/predictions.node.js';
import { sha256Of } from '../../common/files/sha256.node.js';
import { encodeModel } from '../../common/model/encoding.js';
import { loadModel, saveModel } from '../../common/model/folder.node.js';
import { dataAfter, type Provenance } from '../../common/model/provenance.js';
import { VERSION } from '../../common/version.js';
import { completeColumns, fitMetadata } from '../../common/model/metadata.js';
import { type Classifier, createStudent, type Student } from '../../common/model/student.js';
import {
  createTeacher,
  initialTeacher,
  type Teacher,
  type TeacherDesign,
} from '../../common/model/teacher.js';
import { decodeTeacher, encodeTeacher } from '../../common/model/teacher-file.js';
import { Progress } from '../../common/progress.node.js';
import { Random } from '../../common/random.js';
import { Checkpoint, EpochRecord } from './checkpoint.js';
import { type Curve, curvesCsv, curvesSvg } from './curves.js';
import { fit, phasesOf, type Task } from './fit.js';
import { pairingsOf } from './pairings.js';
import type { Phase, TeacherPlan } from './recipe.js';
import { claimFolder, type DistillationSetup, type TeacherStart } from './setup.js';
import { studentTask, teacherTask, type Teaching } from './tasks.js';
import { TeacherOutputs } from './teacher-outputs.js';

export interface DistillationListener {
  onEpoch?(training: string, record: EpochRecord, best: number): void;
  onWarning?(message: string): void;
  /** Where progress is printed. */
  readonly progress?: ConstructorParameters<typeof Progress>[1];
}

/** One model's part of the report. */
export interface TrainedReport {
  readonly name: string;
  /** The epoch chosen by validation, and the number of epochs. */
  readonly epoch: number;
  readonly epochs: number;
  readonly validation: Metrics;
  readonly heldout: Metrics;
  /** On the held-out images, above a sensitivity of 80%. */
  readonly partialAuc: PartialAuc;
}

/** out/distillation.json. */
export interface DistillationReport {
  readonly settings: object;
  readonly images: {
    readonly train: number;
    readonly validation: number;
    readonly heldout: number;
  };
  readonly trained: readonly TrainedReport[];
}

const Finished = z.strictObject({ best: z.int(), history: z.array(EpochRecord) });
type Finished = z.infer<typeof Finished>;

const STUDENT = 'student';
/** A training step costs about three forward passes. */
const STEP_COST = 3;

/**
 * Does what `out` doesn't hold yet. In the end `out` has student/ (a model),
 * teacher-N/teacher.safetensors, curves.csv and curves.svg, predictions-NAME.csv of the held-out
 * images, and distillation.json. The held-out split is read once, when everything is decided. The
 * same settings on the same engine give the same numbers, where the engine repeats itself: WASM to
 * the bit.
 * @throws LENTIGO_DATA_DIR_IN_USE, and what the trainings throw
 */
export async function distill(
  setup: DistillationSetup,
  out: string,
  listener: DistillationListener = {},
): Promise<DistillationReport> {
  const unlock = lockDirectory(out);
  const reader = new InputThread();
  try {
    return await new Distillation(setup, out, listener, reader).run();
  } finally {
    await reader.release();
    unlock();
  }
}

class Distillation {
  readonly #setup: DistillationSetup;
  readonly #out: string;
  readonly #state: string;
  readonly #listener: DistillationListener;
  readonly #curves = new Map<string, Curve>();
  readonly #reader: InputReader;
  #progress = new Progress(1);

  constructor(
    setup: DistillationSetup,
    out: string,
    listener: DistillationListener,
    reader: InputReader,
  ) {
    this.#setup = setup;
    this.#out = out;
    this.#state = stateFolder(out);
    this.#listener = listener;
    this.#reader = reader;
  }

  async run(): Promise<DistillationReport> {
    const setup = this.#setup;
    await claimFolder(this.#out, setup.settings);
    for (const problem of setup.problems) this.#listener.onWarning?.(problem);
    const done = await readJson(join(this.#out, 'distillation.json'));
    if (done) return done as DistillationReport;
    this.#progress = new Progress(await this.#work(), this.#listener.progress);
    const teachers: Teacher[] = [];
    for (const [i, plan] of setup.teachers.entries())
      teachers.push(await this.#teacher(`teacher-${i + 1}`, plan, setup.teacherStarts[i]!));
    const student = await this.#student(teachers);
    const models: [string, Classifier][] = [
      ...teachers.map((teacher, i): [string, Classifier] => [`teacher-${i + 1}`, teacher]),
      [STUDENT, student],
    ];
    const report = await this.#report(models);
    await writeDurably(
      join(this.#out, 'distillation.json'),
      `${JSON.stringify(report, undefined, 1)}\n`,
    );
    for (const model of [...teachers, student]) model.dispose();
    await rm(join(this.#state, 'outputs'), { recursive: true, force: true });
    this.#progress.clear();
    return report;
  }

  /** A trained teacher: read from `out`, or trained now. */
  async #teacher(
    name: string,
    plan: TeacherPlan,
    { trained, history, start }: TeacherStart,
  ): Promise<Teacher> {
    const { splits, recipe, seed } = this.#setup;
    const { labels } = recipe;
    const file = join(this.#out, name, 'teacher.safetensors');
    const finished = await this.#finished(name);
    if (finished) return createTeacher(decodeTeacher(await readFile(file)));
    if (trained) {
      await this.#finish(name, Finished.parse(JSON.parse(history!)), () =>
        writeDurably(file, encodeTeacher(trained)),
      );
      return createTeacher(trained);
    }
    const design = this.#designOf(plan);
    const teacher = createTeacher(
      initialTeacher(design, labels, new Random(seed).fork(name), start),
    );
    const task = teacherTask(teacher, splits, recipe, plan, !start);
    await this.#fit(name, task, async () =>
      writeDurably(file, encodeTeacher({ design, labels, parameters: await teacher.parameters() })),
    );
    return teacher;
  }

  #designOf({ architecture, attention, fused }: TeacherPlan): TeacherDesign {
    const { recipe, metadata, splits } = this.#setup;
    const { train, validation, heldout } = splits;
    if (!recipe.metadata || metadata === 'none' || fused === 0)
      return { architecture, attention, fused };
    const columns =
      metadata === 'complete' ? completeColumns(recipe.metadata, train) : recipe.metadata;
    return {
      architecture,
      attention,
      fused,
      metadata: fitMetadata(columns, train, [...train, ...validation, ...heldout]),
    };
  }

  /** The distilled student, or without teachers the plain one. */
  async #student(teachers: readonly Teacher[]): Promise<Student> {
    const folder = join(this.#out, STUDENT, 'model');
    if (await this.#finished(STUDENT)) return createStudent(await loadModel(folder));
    const { splits, recipe, student: start, fromScratch } = this.#setup;
    const student = createStudent(start);
    const teaching = teachers.length > 0 ? await this.#teaching(student, teachers) : undefined;
    const task = studentTask(student, splits, recipe, teaching, fromScratch);
    await this.#fit(STUDENT, task, async () =>
      saveModel(folder, {
        ...start,
        parameters: await student.parameters(),
        provenance: this.#provenance(),
      }),
    );
    if (teaching?.projection) tf.dispose([teaching.projection.weight, teaching.projection.bias]);
    return student;
  }

  #provenance(): Provenance {
    const { recipe, student, fromScratch, seed, metadata, losses, teachers, data } = this.#setup;
    return {
      kind: 'distillation',
      software: VERSION,
      chosen: `the epoch that validation chose (${[recipe.select].flat().join(', ')})`,
      ...(!fromScratch && { start: sha256Of(encodeModel({ ...student, provenance: undefined })) }),
      settings: {
        preset: recipe.name,
        teachers: teachers.map(({ architecture }) => architecture),
        losses,
        metadata,
        seed,
      },
      data: dataAfter(student, [data]),
    };
  }

  /**
   * The teachers' outputs for every augmented training photograph, and what the student needs to
   * compare itself with them.
   */
  async #teaching(student: Student, teachers: readonly Teacher[]): Promise<Teaching> {
    const { splits, recipe, losses, seed, fromScratch } = this.#setup;
    const sample = splits.train[0]!;
    const from = phasesOf({ phases: recipe.student.phases, fromScratch }).map(({ trainFrom }) =>
      trainFrom === 'all' ? 0 : student.blocks.indexOf(trainFrom),
    );
    const pairings =
      losses.attention > 0
        ? pairingsOf(student, teachers[0]!, student.blocks[Math.max(...from)]!, sample)
        : [];
    const outputs = await TeacherOutputs.open(
      join(this.#state, 'outputs'),
      teachers,
      pairings,
      sample,
    );
    await outputs.compute(
      splits.train,
      recipe.variants,
      this.#reader,
      this.#progress.piece("the teachers' outputs:", this.#outputsWork()),
    );
    if (losses.features === 0) return { losses, outputs, pairings };
    const width = tf.tidy(
      () =>
        student.trace(tf.zeros([1, student.inputSize, student.inputSize, 3]), student.blocks[0]!)
          .embedding.shape[1],
    );
    const random = new Random(seed).fork('projection');
    const weight = Float32Array.from({ length: width * outputs.embedding }, () =>
      random.normal(0, Math.sqrt(1 / width)),
    );
    const projection = {
      weight: tf.tidy(() => tf.variable(tf.tensor2d(weight, [width, outputs.embedding]))),
      bias: tf.tidy(() => tf.variable(tf.zeros<tf.Rank.R1>([outputs.embedding]))),
    };
    return { losses, outputs, pairings, projection };
  }

  /** Trains what the checkpoint doesn't hold, then keeps the result. */
  async #fit(name: string, task: Task, save: () => Promise<void>): Promise<void> {
    const { recipe, seed, splits } = this.#setup;
    const cost = STEP_COST * task.samples.length + splits.validation.length;
    const features = join(this.#state, `${name}-features`);
    let piece: { epoch: number; report: (fraction: number) => void } | undefined;
    const { best, history } = await fit(task, {
      batchSize: recipe.batchSize,
      select: recipe.select,
      seed: `${seed}/${name}`,
      checkpoint: new Checkpoint(this.#state, name),
      reader: this.#reader,
      cache: (phase) => FolderFeatureCache.open(`${features}-${phase}`),
      onProgress: ({ epoch, epochs, fraction }) => {
        if (piece?.epoch !== epoch)
          piece = {
            epoch,
            report: this.#progress.piece(`${name}, epoch ${epoch + 1} of at most ${epochs}:`, cost),
          };
        piece.report(fraction);
      },
      onEpoch: async (history, best) => {
        this.#curves.set(name, { name, best, history });
        await this.#publishCurves();
        this.#progress.clear();
        this.#listener.onEpoch?.(name, history.at(-1)!, best);
      },
      onSkipped: (message) => this.#listener.onWarning?.(`left out: ${message}`),
    });
    await this.#finish(name, { best, history: [...history] }, save);
    for (const phase of phasesOf(task).keys())
      await rm(`${features}-${phase}`, { recursive: true, force: true });
  }

  /** Keeps what was trained, its history last: what has one is not trained again. */
  async #finish(name: string, finished: Finished, save: () => Promise<void>): Promise<void> {
    await mkdir(join(this.#out, name), { recursive: true });
    await save();
    await writeDurably(this.#historyPath(name), JSON.stringify(finished));
    this.#curves.set(name, { name, ...finished });
    await this.#publishCurves();
    await new Checkpoint(this.#state, name).remove();
  }
  async #finished(name: string): Promise<Finished | undefined> {
    const stored = await readJson(this.#historyPath(name));
    if (!stored) return undefined;
    const finished = Finished.parse(stored);
    this.#curves.set(name, { name, ...finished });
    return finished;
  }
  #historyPath(name: string): string {
    return join(this.#out, name, 'history.json');
  }
  async #publishCurves(): Promise<void> {
    const curves = [...this.#curves.values()];
    await writeDurably(join(this.#out, 'curves.csv'), curvesCsv(curves));
    await writeDurably(join(this.#out, 'curves.svg'), curvesSvg(curves));
  }

  /** Reads the held-out split: once, at the end. */
  async #report(models: readonly [string, Classifier][]): Promise<DistillationReport> {
    const {
      splits,
      recipe: { labels },
      settings,
      seed,
    } = this.#setup;
    const { train, validation, heldout } = splits;
    const trained: TrainedReport[] = [];
    for (const [name, model] of models) {
      const predictions: Evaluated = await predictSamples(model, heldout, {
        reader: this.#reader,
        onProgress: this.#progress.piece(`${name}, held-out:`, heldout.length),
      });
      await writePredictions(predictionsPath(this.#out, name), predictions, labels);
      const { best, history } = this.#curves.get(name)!;
      const chosen = history.find(({ epoch }) => epoch === best)!;
      trained.push({
        name,
        epoch: best,
        epochs: history.length,
        validation: chosen.validation,
        heldout: metricsOf(
          predictions,
          labels,
          seed,
          chosen.validation.operatingPoint?.threshold ?? null,
        ),
        partialAuc: partialAuc(predictions, labels, new Random(seed).fork('partial AUC')),
      });
    }
    return {
      settings,
      images: { train: train.length, validation: validation.length, heldout: heldout.length },
      trained,
    };
  }

  /** Upper bound on the forward passes that remain. */
  async #work(): Promise<number> {
    const { splits, teachers, teacherStarts, recipe, fromScratch } = this.#setup;
    const training = async (
      name: string,
      phases: readonly Phase[],
      scratch: boolean,
    ): Promise<number> => {
      if (await this.#finished(name)) return 0;
      const done = (await new Checkpoint(this.#state, name).read())?.state.history.length ?? 0;
      const epochs = phasesOf({ phases, fromScratch: scratch }).reduce(
        (n, phase) => n + phase.epochs,
        0,
      );
      return (
        Math.max(0, epochs - done) * (STEP_COST * splits.train.length + splits.validation.length)
      );
    };
    let work =
      (teachers.length + 1) * splits.heldout.length +
      (teachers.length > 0 ? this.#outputsWork() : 0);
    for (const [i, { phases }] of teachers.entries()) {
      const start = teacherStarts[i]!;
      if (!start.trained) work += await training(`teacher-${i + 1}`, phases, !start.start);
    }
    return work + (await training(STUDENT, recipe.student.phases, fromScratch));
  }
  #outputsWork(): number {
    const { splits, recipe, teachers } = this.#setup;
    return splits.train.length * recipe.variants * teachers.length;
  }
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw new LentigoError(
      'LENTIGO_WEIGHTS_INVALID',
      `${path} can't be read: ${(error as Error).message}`,
      { cause: error },
    );
  }
}
