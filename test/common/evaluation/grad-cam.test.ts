import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { gradCam } from '../../../common/evaluation/grad-cam.js';
import { predict } from '../../../common/evaluation/evaluate.js';
import type { Picture } from '../../../common/images/picture.js';
import { createStudent } from '../../../common/model/student.js';
import { nano } from '../../support/coordinator.js';
import { describeEngines } from '../../support/engines.js';

/** Grey, with a striped square of 16 pixels. */
function picture(left: number, top: number): Picture {
  const data = new Uint8Array(64 * 64 * 3).fill(124);
  for (let y = top; y < top + 16; y++)
    for (let x = left; x < left + 16; x++)
      data.fill((x + y) % 4 < 2 ? 255 : 0, (y * 64 + x) * 3, (y * 64 + x) * 3 + 3);
  return { width: 64, height: 64, data };
}

describeEngines('Grad-CAM', () => {
  it('gives the probabilities of the prediction, and a map of the most probable class between 0 and 1', async () => {
    const student = createStudent(nano());
    const { probabilities, of, heat, side } = await gradCam(student, picture(4, 4));
    expect(of).toBe(probabilities.indexOf(Math.max(...probabilities)));
    for (const [i, p] of (await predict(student, [picture(4, 4)]))[0]!.entries())
      expect(probabilities[i]).toBeCloseTo(p, 5);
    expect([heat.length, Math.min(...heat) >= 0, Math.max(...heat) <= 1]).toEqual([
      side * side,
      true,
      true,
    ]);
    student.dispose();
  });

  it("is the sum in the paper's equations if the classifier is linear in pooled activations", async () => {
    const student = createStudent(nano());
    const { heat, side } = await gradCam(student, picture(20, 30), 2);
    const parameters = await student.parameters();
    const expected = tf.tidy(() => {
      const { data } = picture(20, 30);
      const mean = [0.485, 0.456, 0.406];
      const std = [0.229, 0.224, 0.225];
      const x = tf.tensor4d(
        Float32Array.from(data, (v, i) => (v / 255 - mean[i % 3]!) / std[i % 3]!),
        [1, 64, 64, 3],
      );
      const a = student.features(x, 'classifier');
      const w = tf
        .tensor2d(parameters.get('classifier.1.weight').slice(), [a.shape[3], 6])
        .slice([0, 2], [-1, 1]);
      const map = tf.relu(tf.matMul(a.reshape([side * side, a.shape[3]]), w));
      return tf.div(map, tf.max(map)).dataSync();
    });
    for (const [i, v] of expected.entries()) expect(heat[i]).toBeCloseTo(v, 4);
    student.dispose();
  });

  it('leaves no tensor behind', async () => {
    const student = createStudent(nano());
    await gradCam(student, picture(0, 0));
    const before = tf.memory().numTensors;
    await gradCam(student, picture(0, 0));
    expect(tf.memory().numTensors).toBe(before);
    student.dispose();
  });
});
