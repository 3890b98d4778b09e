// Starting weights of a network: a model folder, or a published file of weights.
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LentigoError } from '../../common/errors.js';
import type { ArchitectureId } from '../../common/model/architecture-id.js';
import { networkOf } from '../../common/model/architecture.js';
import { loadModel } from '../../common/model/folder.node.js';
import { importBackbone } from '../../common/model/import-weights.js';
import { readWeights } from '../../common/model/weights-file.node.js';
import type { LabelSet } from '../../common/model/labels.js';
import { initialParameters, type Model } from '../../common/model/student.js';
import { backboneNames } from '../../common/model/teacher.js';
import { decodeTeacher } from '../../common/model/teacher-file.js';
import type { Random } from '../../common/random.js';
import type { ParameterSet } from '../../common/update/parameter-set.js';
import type { Recipe, TeacherPlan } from './recipe.js';

/**
 * The model in a folder, with its head if it is for the same diagnoses; or the backbone in a
 * safetensors file, with a new head.
 * @throws LENTIGO_WEIGHTS_INVALID when nothing is there, or it is of another architecture;
 *   LENTIGO_MODEL_INVALID
 */
export async function startingModel(
  path: string,
  architecture: ArchitectureId,
  labels: LabelSet,
  random: Random,
): Promise<Model> {
  const isFolder = await stat(path).then(
    (s) => s.isDirectory(),
    (cause: unknown) => {
      throw new LentigoError(
        'LENTIGO_WEIGHTS_INVALID',
        `${path} can't be read: ${(cause as Error).message}`,
        { cause },
      );
    },
  );
  if (!isFolder) {
    const stored = await readWeights(path);
    try {
      return importBackbone(stored, architecture, labels, random);
    } catch (cause) {
      throw new LentigoError('LENTIGO_WEIGHTS_INVALID', `${path}: ${(cause as Error).message}`, {
        cause,
      });
    }
  }
  const model = await loadModel(path);
  if (model.architecture !== architecture)
    throw new LentigoError(
      'LENTIGO_WEIGHTS_INVALID',
      `${path} holds a model of ${model.architecture}, not of ${architecture}`,
    );
  if (model.labels.names.join() === labels.names.join()) return { ...model, labels };
  const { dense } = networkOf(architecture).head;
  const backbone = new Set(
    model.parameters.specs.map(({ name }) => name).filter((name) => !name.startsWith(`${dense}.`)),
  );
  return {
    ...model,
    labels,
    parameters: initialParameters(architecture, labels, random).with(
      model.parameters.subset(backbone),
    ),
  };
}

/**
 * Starting weights of a teacher: what `startingModel` reads; or the backbone of a teacher from
 * another distillation's folder (its teacher-1). That teacher is taken whole if it is for the same
 * diagnoses, of the same design and without metadata: the first stage of a two-stage transfer.
 * @throws what startingModel throws
 */
export async function startingTeacher(
  path: string,
  { architecture, attention, fused }: TeacherPlan,
  { labels, metadata }: Recipe,
  random: Random,
): Promise<ParameterSet> {
  const file = join(path, 'teacher.safetensors');
  if (!existsSync(file))
    return (await startingModel(path, architecture, labels, random)).parameters;
  const { design, labels: own, parameters } = decodeTeacher(await readFile(file));
  if (design.architecture !== architecture)
    throw new LentigoError(
      'LENTIGO_WEIGHTS_INVALID',
      `${path} holds a teacher on ${design.architecture}, not on ${architecture}`,
    );
  const same =
    own.names.join() === labels.names.join() &&
    design.attention === attention &&
    design.fused === fused &&
    !design.metadata &&
    !metadata;
  return same ? parameters : parameters.subset(backboneNames(architecture));
}
