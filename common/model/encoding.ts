// Models as safetensors bytes, on disk and on the network: torchvision's names and layouts (OIHW),
// with architecture and labels in the metadata.
import { LentigoError } from '../errors.js';
import type { ParameterSet, ParameterSpec } from '../update/parameter-set.js';
import { parameterSpecs } from './architecture.js';
import { ArchitectureId, architectures } from './architecture-id.js';
import { LabelSet } from './labels.js';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from './safetensors.js';
import { provenanceFrom } from './provenance.js';
import type { Model } from './student.js';
import { fromTorch, toTorch } from './torch-layout.js';

/** `half` stores float16: half the bytes, 11 significant bits. */
interface Options {
  readonly half?: boolean;
}

/**
 * Encodes a whole model. The batch norms' num_batches_tracked are not written, as PyTorch fills
 * them in.
 */
export function encodeModel(
  { architecture, labels, parameters, provenance }: Model,
  options: Options = {},
): Uint8Array<ArrayBuffer> {
  return encodeSafetensors(
    {
      metadata: {
        architecture,
        labels: JSON.stringify(labels),
        ...(provenance && { provenance: JSON.stringify(provenance) }),
      },
      tensors: torchTensors(parameters),
    },
    options,
  );
}

/**
 * Decodes a whole model.
 * @throws LENTIGO_WEIGHTS_INVALID when the bytes are damaged, name no architecture and labels that
 *   we know, or don't contain exactly their parameters
 */
export function decodeModel(bytes: Uint8Array): Model {
  const { metadata, tensors } = decodeSafetensors(bytes);
  const architecture = architectureNamed(metadata['architecture']);
  const labels = labelsFrom(metadata['labels']);
  return {
    architecture,
    labels,
    parameters: fromTorch(tensors, parameterSpecs(architecture, labels.names.length)),
    ...provenanceIn(metadata),
  };
}

/** A model file's metadata as a field of a Model. */
export function provenanceIn({
  provenance,
}: Readonly<Record<string, string | undefined>>): Pick<Model, 'provenance'> {
  const known = provenanceFrom(provenance);
  return known ? { provenance: known } : {};
}

/** Encodes some parameters of a model, such as the trainable ones. */
export function encodeParameters(
  parameters: ParameterSet,
  options: Options = {},
): Uint8Array<ArrayBuffer> {
  return encodeSafetensors({ metadata: {}, tensors: torchTensors(parameters) }, options);
}

/**
 * Decodes some parameters of a model.
 * @param specs the expected parameters: no more, no fewer, in the order of the result
 * @throws LENTIGO_WEIGHTS_INVALID
 */
export function decodeParameters(bytes: Uint8Array, specs: readonly ParameterSpec[]): ParameterSet {
  return fromTorch(decodeSafetensors(bytes).tensors, specs);
}

/**
 * The architecture named in a model file.
 * @throws LENTIGO_WEIGHTS_INVALID when there is none, or it isn't registered
 */
export function architectureNamed(name: string | undefined): ArchitectureId {
  const parsed = ArchitectureId.safeParse(name);
  if (!parsed.success)
    throw new LentigoError(
      'LENTIGO_WEIGHTS_INVALID',
      name === undefined
        ? `it names no architecture, as a model of Lentigo does; lentigo weights import makes one of published weights of ${architectures.names().join(', ')}`
        : parsed.error.issues[0]!.message,
    );
  return parsed.data;
}

/**
 * Labels from their JSON.
 * @throws LENTIGO_WEIGHTS_INVALID
 */
export function labelsFrom(json: string | undefined): LabelSet {
  try {
    return LabelSet.parse(JSON.parse(json ?? 'null'));
  } catch (e) {
    throw new LentigoError(
      'LENTIGO_WEIGHTS_INVALID',
      'the labels of the model are missing or not understood',
      { cause: e },
    );
  }
}

/** Parameters in PyTorch's layout. */
const torchTensors = (parameters: ParameterSet): StoredTensor[] =>
  parameters.specs.map(({ name, shape }) => toTorch({ name, shape, values: parameters.get(name) }));
