// `lentigo evaluate` and `lentigo predict`: a model on a dataset, and on single pictures.
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Table from 'cli-table3';
import { Command } from 'commander';
import { openDataset } from '../common/dataset/open.node.js';
import { dataHelp } from '../common/dataset/registry.js';
import { countSamples } from '../common/dataset/inspect.js';
import { isPictureName } from '../common/images/file-type.js';
import { remarks } from '../common/dataset/remarks.js';
import { SPLITS, type Split } from '../common/dataset/sample.js';
import { findFiles } from '../common/dataset/walk.node.js';
import { useEngine } from '../common/engine/engine.node.js';
import { LentigoError } from '../common/errors.js';
import { sha256Of } from '../common/files/sha256.node.js';
import { decodePicture } from '../common/images/decode.node.js';
import { imageError } from '../common/images/image-error.js';
import { encodeModel } from '../common/model/encoding.js';
import { loadModel } from '../common/model/folder.node.js';
import type { LabelSet } from '../common/model/labels.js';
import { createStudent, type Model } from '../common/model/student.js';
import { Progress } from '../common/progress.node.js';
import { Random } from '../common/random.js';
import { predict, predictSamples, validationThreshold } from '../common/evaluation/evaluate.js';
import { gradCam } from '../common/evaluation/grad-cam.js';
import { groupIntervals } from '../common/evaluation/group-intervals.js';
import { type Prediction, predictionOf } from '../common/evaluation/prediction.js';
import { heatmapFiles, writeHeatmap } from '../common/evaluation/heatmap.node.js';
import { InputThread } from '../common/training/input-thread.node.js';
import { type Metrics, metricsOf, type ScoreName } from '../common/evaluation/metrics.js';
import { provenanceText } from '../common/model/provenance.js';
import { modelCard } from '../common/reporting/model-card.js';
import { operatingPointText } from '../common/reporting/operating-point.js';
import { trainingOf } from '../common/reporting/training-record.node.js';
import { requireWritable } from './failure.js';
import { seed as parseSeed } from './options.js';

const style = { head: [], border: [], compact: true };
const right = 'right' as const;
const percent = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : `${(100 * value).toFixed(1)}%`;
const decimal = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : value.toFixed(3);

const SCORES: readonly [ScoreName, string, typeof percent][] = [
  ['accuracy', 'accuracy', percent],
  ['balancedAccuracy', 'balanced accuracy', percent],
  ['weightedF1', 'weighted F1', decimal],
  ['macroF1', 'macro F1', decimal],
  ['aucOvr', 'AUC, one against the rest', decimal],
  ['malignantAuc', 'AUC, malignant against benign', decimal],
  ['malignantRecall', 'malignant lesions flagged', percent],
];

/** Metrics as a page of text. */
export function formatMetrics(metrics: Metrics, { names }: LabelSet): string {
  const scores = new Table({
    head: ['', 'value', '95% interval'],
    colAligns: ['left', right, right],
    style,
  });
  for (const [name, title, show] of SCORES) {
    const interval = metrics.intervals[name];
    scores.push([
      title,
      show(metrics[name]),
      interval ? `${show(interval.low)} to ${show(interval.high)}` : '–',
    ]);
  }
  scores.push(['calibration error', decimal(metrics.ece), '']);
  const point = metrics.operatingPoint;
  if (point)
    for (const name of ['sensitivity', 'specificity'] as const) {
      const interval = point.intervals[name];
      scores.push([
        `${name} at the threshold ${decimal(point.threshold)}`,
        percent(point[name]),
        interval ? `${percent(interval.low)} to ${percent(interval.high)}` : '–',
      ]);
    }
  const classes = new Table({
    head: ['diagnosis', 'images', 'precision', 'recall', 'F1', ...names.map((name) => `→ ${name}`)],
    colAligns: ['left', ...names.map(() => right), right, right, right, right],
    style,
  });
  for (const [i, name] of names.entries()) {
    const { support, precision, recall, f1 } = metrics.perClass[name]!;
    classes.push([
      name,
      support,
      percent(precision),
      percent(recall),
      decimal(f1),
      ...metrics.confusion[i]!,
    ]);
  }
  const skin = new Table({
    head: ['Fitzpatrick', 'images', 'balanced accuracy', 'malignant AUC', 'flagged'],
    colAligns: ['left', right, right, right, right],
    style,
  });
  for (const [type, { samples, balancedAccuracy, malignantAuc, malignantRecall }] of Object.entries(
    metrics.byFitzpatrick,
  )) {
    skin.push([
      type,
      samples,
      percent(balancedAccuracy),
      decimal(malignantAuc),
      percent(malignantRecall),
    ]);
  }
  return `${metrics.samples} images\n${scores.toString()}\n${classes.toString()}\n${skin.toString()}\nIntervals are bootstrapped over patients; groups of fewer than 20 images are only counted.\n${point ? `${operatingPointText(point)}\n` : ''}`;
}

interface EvaluateFlags {
  readonly model: string;
  readonly data: string;
  readonly split: string;
  readonly seed: number;
  readonly card?: string;
  readonly training?: string;
  readonly json?: true;
}

/** What the model itself and the folder that it lies in say of how it was made. */
async function recordOf({ provenance }: Model, dir: string): Promise<string> {
  const said = [await trainingOf(dir), provenance && provenanceText(provenance)];
  return said.filter((text) => text !== undefined).join('\n\n') || 'Not recorded with the model.';
}

async function evaluateModel({
  model: dir,
  data,
  split,
  seed,
  card,
  training,
  json,
}: EvaluateFlags): Promise<void> {
  if (!SPLITS.includes(split as Split))
    throw new LentigoError('LENTIGO_USAGE', `--split ${split}: it is one of ${SPLITS.join(', ')}`);
  if (card !== undefined) await requireWritable(card);
  const model = await loadModel(dir);
  const dataset = await openDataset(data, { labels: model.labels, seed });
  const samples = dataset.samples.filter((sample) => sample.split === split);
  if (samples.length === 0)
    throw new LentigoError(
      'LENTIGO_DATA_EMPTY',
      `${dataset.name} has no usable image in the ${split} split`,
    );
  for (const remark of remarks(dataset)) process.stderr.write(`${dataset.name}: ${remark}\n`);
  await useEngine();
  const student = createStudent(model);
  const reader = new InputThread();
  const progress = new Progress(1);
  const predictions = await predictSamples(student, samples, {
    reader,
    onProgress: progress.piece('evaluating', 1),
    onSkipped: ({ message }) => {
      progress.clear();
      process.stderr.write(`left out: ${message}\n`);
    },
  });
  const threshold =
    split === 'validation'
      ? 'choose'
      : await validationThreshold(student, dataset.samples, {
          reader,
          onProgress: progress.piece('choosing the threshold on validation', 1),
        });
  progress.clear();
  await reader.release();
  student.dispose();
  const metrics = metricsOf(predictions, model.labels, 1, threshold);
  if (card !== undefined) {
    const evaluation = {
      metrics,
      groups: groupIntervals(predictions, model.labels, new Random('model card')),
      data: countSamples(dataset),
      source: dataset.source,
      split: split as Split,
    };
    const text = modelCard(
      model,
      sha256Of(encodeModel({ ...model, provenance: undefined })),
      training ?? (await recordOf(model, dir)),
      evaluation,
    );
    await writeFile(card, text);
  }
  process.stdout.write(
    json
      ? `${JSON.stringify(metrics, undefined, 2)}\n`
      : `${dataset.name}, ${split}: ${formatMetrics(metrics, model.labels)}`,
  );
}

/** With the picture that shows what speaks for the label, where heat maps were asked for. */
interface Shown extends Prediction {
  readonly heatmap?: string;
}

/** Predictions as a table. */
export function formatPredictions(predictions: readonly Prediction[], { names }: LabelSet): string {
  const table = new Table({
    head: ['image', 'most likely', 'malignant', ...names],
    colAligns: ['left', 'left', right, ...names.map(() => right)],
    style,
  });
  for (const { image, label, malignancy, probabilities } of predictions)
    table.push([
      image,
      label,
      percent(malignancy),
      ...names.map((name) => percent(probabilities[name])),
    ]);
  return `${table.toString()}\nFor research use only. This is not a diagnosis.\n`;
}

/** The pictures that are meant, and those among them that a user named one by one. */
interface Meant {
  readonly pictures: readonly string[];
  readonly named: ReadonlySet<string>;
}

/**
 * A file as it is named; of a folder all images below it. What bears an image's name there and
 * can't be opened is said on stderr.
 * @throws LENTIGO_DATA_EMPTY a folder holds none
 */
async function picturesOf(given: readonly string[]): Promise<Meant> {
  const pictures = new Set<string>();
  const named = new Set<string>();
  for (const path of given) {
    const folder = await stat(path).then(
      (found) => found.isDirectory(),
      (error: unknown) => {
        // With others, it is named when its turn comes.
        if (given.length === 1) throw error;
        return false;
      },
    );
    if (!folder) {
      pictures.add(path);
      named.add(path);
      continue;
    }
    const { files, unusable, closed } = await findFiles(path);
    for (const [name, what] of unusable)
      if (isPictureName(name)) leftOut(`${join(path, name)} ${what}`);
    for (const [name, why] of closed)
      leftOut(`the folder ${name === path ? path : join(path, name)}: ${why}`);
    const inside = files.filter(isPictureName);
    if (inside.length === 0)
      throw new LentigoError('LENTIGO_DATA_EMPTY', `${path} is a folder without an image in it`);
    for (const name of inside) pictures.add(join(path, name));
  }
  return { pictures: [...pictures], named };
}

const leftOut = (message: string): unknown => process.stderr.write(`left out: ${message}\n`);

/**
 * Predicts all that can be read, and names the rest.
 * @throws the error of the first picture that was named and can't be read, after all others are
 *   predicted; LENTIGO_DATA_EMPTY when none of those in folders can
 */
async function predictImages(
  given: readonly string[],
  { model: dir, heatmap: into, json }: { model: string; heatmap?: string; json?: true },
): Promise<void> {
  const { pictures, named } = await picturesOf(given);
  const model = await loadModel(dir);
  const files = into === undefined ? undefined : heatmapFiles(into, pictures);
  await useEngine();
  const student = createStudent(model);
  const progress = new Progress(1);
  const show = progress.piece('predicting', 1);
  const predictions: Shown[] = [];
  let bad: LentigoError | undefined;
  for (const [i, image] of pictures.entries()) {
    const picture = await decodePicture(image).catch(imageError);
    if ('code' in picture) {
      progress.clear();
      // The first that was named ends the command, and is said there.
      if (named.has(image) && !bad) bad = new LentigoError(picture.code, picture.message);
      else leftOut(picture.message);
    } else if (files) {
      const explanation = await gradCam(student, picture);
      await writeHeatmap(files[i]!, picture, explanation);
      predictions.push({
        ...predictionOf(image, explanation.probabilities, model.labels),
        heatmap: files[i]!,
      });
    } else {
      const [row] = await predict(student, [picture]);
      predictions.push(predictionOf(image, row!, model.labels));
    }
    if (pictures.length > 1) show((i + 1) / pictures.length);
  }
  progress.clear();
  student.dispose();
  if (predictions.length > 0)
    process.stdout.write(
      json
        ? `${JSON.stringify({ notice: 'For research use only. This is not a diagnosis.', predictions }, undefined, 2)}\n`
        : formatPredictions(predictions, model.labels),
    );
  if (bad) throw bad;
  if (predictions.length === 0)
    throw new LentigoError('LENTIGO_DATA_EMPTY', `${given.join(', ')}: no image can be read`);
}

/** `lentigo evaluate`. */
export function evaluateCommand(): Command {
  return new Command('evaluate')
    .description('measure a model on the images of one split')
    .requiredOption('--model <dir>', 'a folder with a model')
    .requiredOption('--data <dir>', dataHelp())
    .requiredOption('--split <name>', SPLITS.join(', '))
    .option('--seed <n>', 'decides the splits where the table has no split column', parseSeed, 0)
    .option('--card <file>', 'also write the result as a model card, Markdown')
    .option(
      '--training <text>',
      "for the card: how the model was trained (default: what the model says of itself, or a distillation's folder)",
    )
    .option('--json', 'print one JSON document')
    .action(evaluateModel);
}

/** `lentigo predict`. */
export function predictCommand(): Command {
  return new Command('predict')
    .summary('what a model says of pictures')
    .description('what a model says of pictures; for research use only, not a diagnosis')
    .requiredOption('--model <dir>', 'a folder with a model')
    .argument('<image...>', 'image files, or folders: all images below them are meant')
    .option(
      '--heatmap <dir>',
      'also write each picture with what speaks for its most likely class (Grad-CAM), as PNG',
    )
    .option('--json', 'print one JSON document')
    .action(predictImages);
}
