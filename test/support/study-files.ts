// What `lentigo study create` takes: a study.yaml and a starting model, in a folder.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { saveModel } from '../../common/model/folder.node.js';
import { EVALUATION_DATA, nano } from './coordinator.js';

/** Writes study.yaml and its model into the folder. @returns the path of study.yaml */
export async function writeStudy(folder: string, study: object = {}): Promise<string> {
  await saveModel(join(folder, 'start'), nano());
  const file = join(folder, 'study.yaml');
  await writeFile(
    file,
    stringify({
      name: 'Test study',
      model: './start',
      rounds: 2,
      training: { trainFrom: 'features.3', epochs: 1, batchSize: 4, variants: 1 },
      cohort: { minimum: 2, quorum: 2, deadlineSeconds: 600 },
      evaluation: { data: EVALUATION_DATA },
      ...study,
    }),
  );
  return file;
}
