import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { syntheticDataset } from '../../../common/dataset/synthetic.js';
import { useEngine } from '../../../common/engine/engine.node.js';
import { evaluate } from '../../../common/evaluation/evaluate.js';
import { encodeModel } from '../../../common/model/encoding.js';
import { loadModel } from '../../../common/model/folder.node.js';
import { PAD_UFES_LABELS } from '../../../common/model/labels.js';
import { createStudent } from '../../../common/model/student.js';
import { PACKAGE_ROOT } from '../../support/shared-data.js';

const START = join(PACKAGE_ROOT, 'models', 'start');

describe('the starting model', () => {
  it('is the one that its card describes', async () => {
    const hash = createHash('sha256')
      .update(encodeModel({ ...(await loadModel(START)), provenance: undefined }))
      .digest('hex');
    expect(await readFile(join(START, 'MODEL_CARD.md'), 'utf8')).toContain(hash);
  });

  it('takes at most 9 MB', async () =>
    expect((await stat(join(START, 'model.safetensors'))).size).toBeLessThanOrEqual(9e6));

  it('classifies synthetic lesions of the neutral site, and leaves the other sites to be learnt', async () => {
    await useEngine();
    const model = await loadModel(START);
    expect([model.architecture, model.labels]).toEqual(['efficientnet_b0', PAD_UFES_LABELS]);
    const student = createStudent(model);
    const accuracy = async (sites: number[]) =>
      (await evaluate(student, syntheticDataset({ seed: 31, sites, images: 40 }).samples))
        .accuracy!;
    expect(await accuracy([0])).toBeGreaterThan(0.75);
    expect(await accuracy([1, 2, 3])).toBeLessThan(0.65);
    student.dispose();
  });
});
