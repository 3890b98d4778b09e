// The training worker: hosts the engine, so that the page stays responsive, and runs the same
// training and prediction as an agent.
import * as tf from '@tensorflow/tfjs';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { expose, transfer } from 'comlink';
import type { EngineName } from '../../../common/engine/engine.js';
import { decodePicture } from '../../../common/images/decode.web.js';
import { predict } from '../../../common/evaluation/evaluate.js';
import { type FeatureCache, MemoryFeatureCache } from '../../../common/training/feature-cache.js';
import { gradCam } from '../../../common/evaluation/grad-cam.js';
import { keepErrorCodes } from '../../../common/workers/error-codes.js';
import { trainableSpecs } from '../../../common/model/architecture.js';
import { decodeModel, decodeParameters } from '../../../common/model/encoding.js';
import { createStudent, type Model, type Student } from '../../../common/model/student.js';
import { ParameterSet } from '../../../common/update/parameter-set.js';
import { createTrainer } from '../../participation/train-round.js';
import { surveyEngines, useEngine } from './engines.js';
import { spareThreads } from './gradient-threads.js';
import {
  type FeatureStore,
  type OnProgress,
  type PredictionModel,
  type TrainingService,
} from './messages.js';

/** Minimum time between progress messages to the page, as a step may be shorter. */
const PROGRESS_MS = 100;

let training: AbortController | undefined;
let prepared: PredictionModel | undefined;
let student: Student | undefined;
/** Whether the GPU that the engine is on was taken away: a phone slept, a driver started again. */
let lost = false;
/** The features of one starting model at a time: another study's would push these out. */
let kept: { start: string; features: FeatureCache } | undefined;

function cacheOf(start: string, store: FeatureStore | undefined): FeatureCache {
  if (store)
    return {
      get: (key) => store.get(start, key),
      set: (key, features) => store.set(start, key, features),
    };
  if (kept?.start !== start) kept = { start, features: new MemoryFeatureCache() };
  return kept.features;
}

function modelOf({ start, parameters }: PredictionModel): Model {
  const model = decodeModel(start);
  if (!parameters) return model;
  const specs = trainableSpecs(model.architecture, model.labels.names.length, parameters.trainFrom);
  const base = decodeParameters(parameters.base, specs);
  return {
    ...model,
    parameters: model.parameters.with(
      parameters.delta ? base.plus(new ParameterSet(specs, parameters.delta)) : base,
    ),
  };
}

async function start(engine?: EngineName): Promise<void> {
  lost = false;
  student = undefined;
  if ((await useEngine(engine)) === 'webgpu')
    void (tf.backend() as WebGPUBackend).device.lost.then(() => (lost = true));
}

/** Runs the work once more on WASM if the GPU is lost meanwhile. */
async function despiteLoss<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!lost) throw error;
    await start('wasm');
    return await work();
  }
}

/** The prepared model on the engine in use. */
function onEngine(): Student {
  if (!prepared) throw new Error('no model was prepared');
  return (student ??= createStudent(modelOf(prepared)));
}

const service: TrainingService = {
  async start(engine) {
    await start(engine);
    return await surveyEngines(engine);
  },

  async train(job, rows, photographs, features, onProgress) {
    training?.abort(new Error('another training was started'));
    const { signal } = (training = new AbortController());
    const samples = rows.map((row) => ({
      ...row,
      load: async () => await decodePicture(await photographs(row.id), row.id),
    }));
    let sent = { phase: '', at: 0 };
    const report: OnProgress = (phase, progress) => {
      const now = performance.now();
      if (phase === sent.phase && progress.fraction < 1 && now - sent.at < PROGRESS_MS) return;
      sent = { phase, at: now };
      onProgress(phase, progress);
    };
    const trainer = createTrainer(samples, async (model) => cacheOf(model, features), {
      threads: spareThreads,
    });
    const trained = await despiteLoss(() => trainer(job, { signal, onProgress: report }));
    return transfer(trained, [trained.delta.buffer]);
  },

  cancel(reason) {
    training?.abort(new Error(reason));
  },

  async prepare(model) {
    student?.dispose();
    student = undefined;
    prepared = model;
    return onEngine().labels;
  },

  async predict(photograph) {
    const picture = await decodePicture(photograph, 'the photograph');
    return await despiteLoss(async () => {
      const model = onEngine();
      const [probabilities] = await predict(model, [picture]);
      return { probabilities: probabilities!, labels: model.labels };
    });
  },

  async explain(photograph, of) {
    const picture = await decodePicture(photograph, 'the photograph');
    return await despiteLoss(() => gradCam(onEngine(), picture, of));
  },
};

keepErrorCodes();
expose(service);
