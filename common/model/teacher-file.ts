// A teacher as safetensors bytes: parameters in PyTorch's layouts, with design and labels in the
// metadata.
import { LentigoError } from '../errors.js';
import { labelsFrom } from './encoding.js';
import { decodeSafetensors, encodeSafetensors } from './safetensors.js';
import { TeacherDesign, type TeacherModel, teacherSpecs } from './teacher.js';
import { fromTorch, toTorch } from './torch-layout.js';

export function encodeTeacher({
  design,
  labels,
  parameters,
}: TeacherModel): Uint8Array<ArrayBuffer> {
  const tensors = parameters.specs.map(({ name, shape }) =>
    toTorch({ name, shape, values: parameters.get(name) }),
  );
  return encodeSafetensors({
    metadata: { teacher: JSON.stringify(design), labels: JSON.stringify(labels) },
    tensors,
  });
}

/**
 * Reads a teacher.
 * @throws LENTIGO_WEIGHTS_INVALID when the bytes are damaged, or aren't a teacher
 */
export function decodeTeacher(bytes: Uint8Array): TeacherModel {
  const { metadata, tensors } = decodeSafetensors(bytes);
  const labels = labelsFrom(metadata['labels']);
  const design = designFrom(metadata['teacher']);
  return {
    design,
    labels,
    parameters: fromTorch(tensors, teacherSpecs(design, labels.names.length)),
  };
}

function designFrom(json: string | undefined): TeacherDesign {
  try {
    return TeacherDesign.parse(JSON.parse(json ?? 'null'));
  } catch (cause) {
    throw new LentigoError(
      'LENTIGO_WEIGHTS_INVALID',
      'the file is not a teacher: it contains another kind of model',
      { cause },
    );
  }
}
