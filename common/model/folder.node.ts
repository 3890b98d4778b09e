// A model on disk: a folder with model.safetensors and, where stock layers of tfjs can say the
// architecture, model.json and shards (a LayersModel); written as a whole or not at all.
import * as tf from '@tensorflow/tfjs';
import { randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { useEngine } from '../engine/engine.node.js';
import { LentigoError } from '../errors.js';
import { makeFolders } from '../files/durable.node.js';
import { ParameterSet, sizeOf } from '../update/parameter-set.js';
import { parameterSpecs } from './architecture.js';
import { checkValues } from './check-values.js';
import {
  architectureNamed,
  decodeModel,
  encodeModel,
  labelsFrom,
  provenanceIn,
} from './encoding.js';
import { layersTopology, layersWeightNames } from './layers-model.js';
import type { Model } from './student.js';

/** The folder of the starting model that comes with the package; seen from dist/common/model. */
export const SHIPPED_MODEL = fileURLToPath(new URL('../../../models/start', import.meta.url));

const SAFETENSORS = 'model.safetensors';
const TOPOLOGY = 'model.json';
const SHARD = /^weights-\d+-of-\d+\.bin$/;
/** As tfjs cuts them: shards that browsers cache. */
const SHARD_BYTES = 4 * 1024 * 1024;

/** What we read of model.json; tfjs writes more. */
const ModelJson = z.object({
  userDefinedMetadata: z.object({
    architecture: z.string(),
    labels: z.string(),
    provenance: z.string().optional(),
  }),
  weightsManifest: z.array(
    z.object({
      paths: z.array(
        z.string().refine((p) => path.basename(p) === p && p !== '..', {
          message: 'a shard lies in another folder',
        }),
      ),
      weights: z.array(
        z.object({
          name: z.string(),
          shape: z.array(z.number().int().nonnegative()),
          dtype: z.literal('float32'),
        }),
      ),
    }),
  ),
});

/** What commands that write a result to a place of the user's choice take. */
export const OVERWRITE = ['--overwrite', 'replace what is there'] as const;

/**
 * Refuses to write over what is there: a model may be all that is left of a study.
 * @param overwrite whether the user said to
 * @throws LENTIGO_USAGE the path exists, and is no empty folder
 */
export async function requireFree(out: string, overwrite: boolean | undefined): Promise<void> {
  if (overwrite) return;
  const content = await readdir(out).catch((e: NodeJS.ErrnoException) => e.code);
  if (content === 'ENOENT' || (Array.isArray(content) && content.length === 0)) return;
  throw new LentigoError(
    'LENTIGO_USAGE',
    Array.isArray(content)
      ? `${out} holds ${content.includes(SAFETENSORS) ? 'a model' : content[0]!} already: give another --out, or --overwrite to replace it`
      : `${out} is there already: give another --out, or --overwrite to replace it`,
  );
}

/**
 * Writes the model beside `dir`, then puts it in its place; a model that was there is replaced.
 * @throws LENTIGO_USAGE when `dir` holds anything that isn't a model's.
 */
export async function saveModel(dir: string, model: Model): Promise<void> {
  const target = path.resolve(dir);
  const present = await readdir(target).catch((e: NodeJS.ErrnoException) => {
    if (e.code === 'ENOENT') return undefined;
    throw new LentigoError('LENTIGO_USAGE', `a model can't be written to ${target}: ${e.message}`, {
      cause: e,
    });
  });
  const foreign = present?.find((f) => f !== SAFETENSORS && f !== TOPOLOGY && !SHARD.test(f));
  if (foreign !== undefined)
    throw new LentigoError(
      'LENTIGO_USAGE',
      `${target} holds ${foreign}, which is no part of a model; give a new or empty folder`,
    );
  // Building the topology allocates its weights, for a moment, on some engine.
  if (!tf.getBackend()) await useEngine();
  const beside = `${target}.${randomUUID()}`;
  makeFolders(beside, 0o777);
  try {
    for (const [name, bytes] of modelFiles(model))
      await writeFile(path.join(beside, name), bytes, { flush: true });
    if (present) await rename(target, `${beside}.old`);
    await rename(beside, target);
    await rm(`${beside}.old`, { recursive: true, force: true });
  } catch (e) {
    await rm(beside, { recursive: true, force: true });
    throw e;
  }
}

/**
 * A model folder's files. Without model.json and shards where tfjs lacks the layers; an engine must
 * be in use.
 */
export function modelFiles(model: Model): [name: string, bytes: Uint8Array | string][] {
  const { architecture, labels, parameters, provenance } = model;
  const modelTopology = layersTopology(architecture, labels.names.length);
  if (!modelTopology) return [[SAFETENSORS, encodeModel(model)]];
  const { specs, values } = parameters;
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const count = Math.ceil(bytes.length / SHARD_BYTES);
  const shards = Array.from({ length: count }, (_, i): [string, Uint8Array] => [
    `weights-${i + 1}-of-${count}.bin`,
    bytes.subarray(i * SHARD_BYTES, (i + 1) * SHARD_BYTES),
  ]);
  const names = layersWeightNames(specs);
  const json = {
    format: 'layers-model',
    generatedBy: 'Lentigo',
    convertedBy: null,
    modelTopology,
    userDefinedMetadata: {
      architecture,
      labels: JSON.stringify(labels),
      ...(provenance && { provenance: JSON.stringify(provenance) }),
    },
    weightsManifest: [
      {
        paths: shards.map(([name]) => name),
        weights: specs.map(({ shape }, i) => ({ name: names[i]!, shape, dtype: 'float32' })),
      },
    ],
  };
  return [...shards, [SAFETENSORS, encodeModel(model)], [TOPOLOGY, JSON.stringify(json)]];
}

/**
 * Reads a model folder: model.safetensors where it is there, else model.json and its shards.
 * @throws LENTIGO_MODEL_INVALID naming the file that is missing, cut short or not understood.
 */
export async function loadModel(dir: string): Promise<Model> {
  const safetensors = await readIfThere(path.join(dir, SAFETENSORS));
  if (!safetensors) return loadLayers(dir);
  try {
    return decodeModel(safetensors);
  } catch (e) {
    throw invalid(path.join(dir, SAFETENSORS), (e as Error).message, e);
  }
}

async function loadLayers(dir: string): Promise<Model> {
  const file = path.join(dir, TOPOLOGY);
  const text = await readIfThere(file);
  if (!text) throw invalid(...(await insteadOfModel(dir)));
  try {
    const json = ModelJson.parse(JSON.parse(text.toString('utf8')));
    const architecture = architectureNamed(json.userDefinedMetadata.architecture);
    const labels = labelsFrom(json.userDefinedMetadata.labels);
    const parameters = new ParameterSet(parameterSpecs(architecture, labels.names.length));
    const stored = await readWeights(dir, json.weightsManifest);
    const names = layersWeightNames(parameters.specs);
    for (const [i, { name, shape }] of parameters.specs.entries()) {
      const weight = stored.get(names[i]!);
      if (!weight) throw new Error(`it has no weight ${names[i]} of ${architecture}`);
      if (weight.shape.join() !== shape.join())
        throw new Error(
          `weight ${names[i]} has shape [${weight.shape.join()}] instead of [${shape.join()}]`,
        );
      parameters.get(name).set(weight.values);
    }
    checkValues(parameters);
    return {
      architecture,
      labels,
      parameters,
      ...provenanceIn({ provenance: json.userDefinedMetadata.provenance }),
    };
  } catch (e) {
    if (e instanceof LentigoError && e.code === 'LENTIGO_MODEL_INVALID') throw e;
    const why =
      e instanceof z.ZodError
        ? `${e.issues[0]!.path.join('.')}: ${e.issues[0]!.message}`
        : (e as Error).message;
    throw invalid(file, why, e);
  }
}

/** What is there where a model's folder should be: [the path, what is wrong with it]. */
async function insteadOfModel(dir: string): Promise<[file: string, why: string]> {
  const how = `lentigo weights import --from ${dir} --out FOLDER makes a model of published weights`;
  const content = await readdir(dir).catch((e: NodeJS.ErrnoException) => e.code);
  if (content === 'ENOTDIR') return [dir, `it is a file, not a model's folder; ${how}`];
  if (!Array.isArray(content))
    return [path.join(dir, TOPOLOGY), `it is missing: there is no folder ${dir}`];
  const weights = content.find((name) =>
    /\.(safetensors|index\.json|pth?|bin|h5|keras|onnx|ckpt|npz|tflite)$/.test(name),
  );
  return weights === undefined
    ? [path.join(dir, TOPOLOGY), 'it is missing']
    : [dir, `it holds ${weights}, but no ${SAFETENSORS} of Lentigo; ${how}`];
}

/**
 * The weights of model.json's manifest by name: each group's weights lie one after the other in its
 * shards joined.
 */
async function readWeights(dir: string, manifest: z.infer<typeof ModelJson>['weightsManifest']) {
  const weights = new Map<string, { shape: number[]; values: Float32Array }>();
  for (const group of manifest) {
    const shards = await Promise.all(
      group.paths.map(async (name) => {
        const bytes = await readIfThere(path.join(dir, name));
        if (!bytes) throw invalid(path.join(dir, name), 'it is missing');
        return bytes;
      }),
    );
    const bytes = new Uint8Array(Buffer.concat(shards));
    const expected = group.weights.reduce((sum, w) => sum + 4 * sizeOf(w.shape), 0);
    if (bytes.length !== expected) {
      throw invalid(
        path.join(dir, group.paths.at(-1) ?? TOPOLOGY),
        `the shards ${group.paths.join(', ')} hold ${bytes.length} bytes instead of ${expected}: one is cut short or altered`,
      );
    }
    let at = 0;
    for (const { name, shape } of group.weights) {
      weights.set(name, { shape, values: new Float32Array(bytes.buffer, at, sizeOf(shape)) });
      at += 4 * sizeOf(shape);
    }
  }
  return weights;
}

async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (e) {
    if (['ENOENT', 'ENOTDIR'].includes((e as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw e;
  }
}

const invalid = (file: string, why: string, cause?: unknown): LentigoError =>
  new LentigoError('LENTIGO_MODEL_INVALID', `${file}: ${why}`, { cause });
