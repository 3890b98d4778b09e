// `lentigo weights import|export`: imports published weights, and exports a model's weights, as
// safetensors with the names of the library that published them.
import { Command, Option } from 'commander';
import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { LentigoError } from '../common/errors.js';
import { pathError } from '../common/files/path-error.node.js';
import { Random } from '../common/random.js';
import { type ArchitectureId, architectures } from '../common/model/architecture-id.js';
import { encodeModel } from '../common/model/encoding.js';
import { loadModel, OVERWRITE, requireFree, saveModel } from '../common/model/folder.node.js';
import { importBackbone, type Imported, importWithHead } from '../common/model/import-weights.js';
import { LabelSet, PAD_UFES_LABELS } from '../common/model/labels.js';
import type { Safetensors } from '../common/model/safetensors.js';
import { readWeights } from '../common/model/weights-file.node.js';

/**
 * `lentigo weights import --from FILE --out DIR …` and `lentigo weights export --model DIR --out
 * FILE`
 */
export function weightsCommand(): Command {
  return new Command('weights')
    .description('read and write published weights')
    .addCommand(importCommand())
    .addCommand(exportCommand());
}

interface ImportOptions {
  readonly from: string;
  readonly out: string;
  readonly architecture: ArchitectureId;
  readonly classes?: string;
  readonly keepHead?: boolean;
  readonly labels?: string;
  readonly malignant?: string;
  readonly overwrite?: true;
  readonly json?: boolean;
}

function importCommand(): Command {
  return new Command('import')
    .description(
      'make a model of published weights: a safetensors file with the names of torchvision, timm or Keras. docs/models.md says where to get them, under which licences, and how a .pth or .h5 file becomes one',
    )
    .requiredOption(
      '--from <file>',
      'the safetensors file, the index.json of one in several parts, or a folder with either',
    )
    .requiredOption('--out <dir>', 'the folder to write the model to')
    .addOption(
      new Option('--architecture <id>', 'what the weights are of')
        .choices(architectures.names())
        .default('efficientnet_b0'),
    )
    .option(
      '--classes <n>',
      'classes of the new head, or those expected of the kept one (default: as many as there are labels)',
    )
    .option('--keep-head', 'keep the classifier of the file instead of a new one')
    .option(
      '--labels <names>',
      'class names, separated by commas (default: the six diagnoses of PAD-UFES-20; with --keep-head class_0, class_1, …)',
    )
    .option('--malignant <names>', 'which of --labels are malignant, separated by commas')
    .option(...OVERWRITE)
    .option('--json', 'print one JSON document')
    .action(async (options: ImportOptions) => {
      await requireFree(options.out, options.overwrite);
      const model = importModel(await readWeights(options.from), options);
      await saveModel(options.out, model);
      const { architecture, labels, parameters, prefix } = model;
      const summary = {
        out: options.out,
        architecture,
        parameters: parameters.length,
        head: options.keepHead ? 'kept' : 'new',
        labels: labels.names,
        ...(prefix !== '' && { prefix }),
      };
      process.stdout.write(
        options.json
          ? `${JSON.stringify(summary)}\n`
          : `${architecture} with ${parameters.length.toLocaleString('en')} parameters and a ${summary.head} head for ${labels.names.join(', ')}, written to ${options.out}\n${prefix === '' ? '' : `The names in the file begin with "${prefix}", which was taken off.\n`}`,
      );
    });
}

function importModel(
  stored: Safetensors,
  { from, architecture, classes, keepHead, labels: names, malignant }: ImportOptions,
): Imported {
  const given = names === undefined ? undefined : labelsOf(split(names), split(malignant ?? ''));
  if (malignant !== undefined && !given)
    throw new LentigoError('LENTIGO_USAGE', '--malignant needs --labels: give both');
  const wanted = classes === undefined ? undefined : Number(classes);
  if (wanted !== undefined && !(Number.isInteger(wanted) && wanted >= 2 && wanted <= 256))
    throw new LentigoError('LENTIGO_USAGE', `--classes ${classes} is not a number from 2 to 256`);
  const labels =
    given ??
    (wanted === undefined || wanted === PAD_UFES_LABELS.names.length
      ? PAD_UFES_LABELS
      : labelsOf(numbered(wanted), []));
  try {
    const model = keepHead
      ? importWithHead(stored, architecture, given)
      : importBackbone(stored, architecture, labels, new Random('new head'));
    const has = model.labels.names.length;
    if (wanted !== undefined && wanted !== has)
      throw new LentigoError(
        'LENTIGO_USAGE',
        `--classes ${wanted}, but there are ${has} ${keepHead ? 'in the head that is kept' : 'labels'}`,
      );
    return model;
  } catch (e) {
    if (e instanceof LentigoError && e.code === 'LENTIGO_WEIGHTS_INVALID')
      throw new LentigoError(e.code, `${from}: ${e.message}`, { cause: e });
    throw e;
  }
}

const split = (list: string): string[] =>
  list
    .split(',')
    .map((s) => s.trim())
    .filter((s) => s !== '');
const numbered = (n: number): string[] => Array.from({ length: n }, (_, i) => `class_${i}`);

function labelsOf(names: string[], malignant: string[]): LabelSet {
  const parsed = LabelSet.safeParse({ names, malignant });
  if (!parsed.success)
    throw new LentigoError('LENTIGO_USAGE', `labels: ${parsed.error.issues[0]!.message}`);
  return parsed.data;
}

function exportCommand(): Command {
  return new Command('export')
    .description("write a model's weights as safetensors, with PyTorch's layouts")
    .requiredOption('--model <dir>', 'the model folder')
    .requiredOption('--out <file>', 'the safetensors file to write')
    .option('--half', 'store float16: half the size')
    .option(...OVERWRITE)
    .option('--json', 'print one JSON document')
    .action(
      async ({
        model: dir,
        out,
        half = false,
        overwrite,
        json,
      }: {
        model: string;
        out: string;
        half?: boolean;
        overwrite?: true;
        json?: boolean;
      }) => {
        await requireFree(out, overwrite);
        const model = await loadModel(dir);
        const bytes = encodeModel(model, { half });
        await writeWhole(out, bytes);
        process.stdout.write(
          json
            ? `${JSON.stringify({ out, bytes: bytes.length, architecture: model.architecture, labels: model.labels.names })}\n`
            : `${model.architecture} for ${model.labels.names.join(', ')}: ${bytes.length.toLocaleString('en')} bytes written to ${out}\n`,
        );
      },
    );
}

/** Writes beside the file, then renames, so that there is never half a file. */
async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  const beside = `${file}.${randomUUID()}`;
  try {
    await writeFile(beside, bytes, { flush: true });
    await rename(beside, file);
  } catch (e) {
    await rm(beside, { force: true });
    throw pathError(file, e);
  }
}
