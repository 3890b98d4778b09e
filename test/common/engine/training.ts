// Training steps alone, for tests of their memory and their time, in Node and browsers.
import * as tf from '@tensorflow/tfjs';
import { createOptimiser } from '../../../common/training/optimiser.js';
import { trainStep } from '../../../common/training/step.js';
import type { ArchitectureId } from '../../../common/model/architecture.js';
import { PAD_UFES_LABELS } from '../../../common/model/labels.js';
import { createStudent, initialParameters } from '../../../common/model/student.js';
import { Random } from '../../../common/random.js';

/**
 * The memory in use: tensors, their bytes, and the bytes of the memory that holds them (the WASM
 * heap, the GPU's buffers; 0 on other engines).
 */
export function inMemory(): { tensors: number; bytes: number; heap: number } {
  const backend = tf.backend() as unknown as {
    wasm?: { HEAPU8: Uint8Array };
    bufferManager?: { numBytesAllocated: number };
  };
  const { numTensors, numBytes } = tf.memory();
  return {
    tensors: numTensors,
    bytes: numBytes,
    heap: backend.wasm?.HEAPU8.byteLength ?? backend.bufferManager?.numBytesAllocated ?? 0,
  };
}

/**
 * Training of a new student on the same random images: functions that take a step, await the last
 * step's loss, and free everything.
 */
export function training(architecture: ArchitectureId, batch: number, trainFrom?: string) {
  const student = createStudent({
    architecture,
    labels: PAD_UFES_LABELS,
    parameters: initialParameters(architecture, PAD_UFES_LABELS, new Random(1)),
  });
  const first = trainFrom ?? student.blocks[0]!;
  const optimiser = createOptimiser(student.variables(first), {
    optimiser: 'adamw',
    learningRate: 1e-4,
    momentum: 0,
    weightDecay: 0.01,
  });
  const images = tf.randomNormal<tf.Rank.R4>(
    [batch, student.inputSize, student.inputSize, 3],
    0,
    1,
    'float32',
    1,
  );
  const x = student.features(images, first);
  const labels = Array.from({ length: batch }, (_, i) => i % 6);
  const options = { gamma: 2, weights: [1, 1, 1, 1, 1, 1], offsets: [0, 0, 0, 0, 0, 0] };
  let loss: tf.Scalar | undefined;
  return {
    student,
    images,
    /** A step whose result nobody waits for. */
    step: (): void => {
      loss?.dispose();
      loss = trainStep(student, first, optimiser, x, labels, options, true);
    },
    loss: async (): Promise<number> => (await loss!.data())[0]!,
    dispose: (): void => {
      optimiser.dispose();
      student.dispose();
      tf.dispose([images, x]);
      loss?.dispose();
    },
  };
}
