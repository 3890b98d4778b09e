// The teacher's head: CBAM attention on the backbone's last map, and the layer that joins the
// image's features with the clinical metadata.
import * as tf from '@tensorflow/tfjs';
import type { Sample } from '../dataset/sample.js';
import { gelu } from '../engine/ops.js';
import type { Random } from '../random.js';
import { networkOf } from './architecture.js';
import type { ArchitectureId } from './architecture-id.js';
import { cbam } from './layers/attention.js';
import type { Layer, Parameters, Weight } from './layers/layer.js';
import { encodeRecords, METADATA_FEATURES, metadataWeights } from './layers/metadata-encoder.js';
import { encodeMetadata, type MetadataEncoding } from './metadata.js';
import { classify, denseWeights, pool, poolWeights } from './network.js';

/** Zeroes features at random while training (Srivastava et al. 2014). */
export interface Dropout {
  readonly rate: number;
  readonly random: Random;
}

/** The part of a teacher's design (teacher.ts) that concerns its head. */
interface HeadDesign {
  readonly architecture: ArchitectureId;
  readonly attention: boolean;
  readonly fused: number;
  readonly metadata?: MetadataEncoding | undefined;
}

export interface TeacherHead {
  /** In the order in which a teacher's file has them, behind the backbone's. */
  readonly weights: readonly Weight[];
  /** Layers on the backbone's last map: at most one. */
  readonly attention: readonly Layer[];
  /**
   * The last map after attention [n, h, w, c] and the pictures' samples → the last dense layer's
   * input [n, c] and logits [n, classes].
   */
  classify(
    map: tf.Tensor4D,
    samples: readonly Sample[],
    parameters: Parameters,
    dropout: Dropout | undefined,
  ): { readonly embedding: tf.Tensor2D; readonly logits: tf.Tensor2D };
}

export function teacherHead(
  { architecture, attention: attends, fused, metadata }: HeadDesign,
  classes: number,
): TeacherHead {
  const { head } = networkOf(architecture);
  const attention = attends ? [cbam('attention', head.channels)] : [];
  const before = [...attention.flatMap(({ weights }) => weights), ...poolWeights(head)];
  if (fused === 0)
    return {
      attention,
      weights: [...before, ...denseWeights(head, classes)],
      classify(map, _samples, parameters, dropout) {
        const embedding = dropped(pool(map, head, parameters), dropout);
        return { embedding, logits: classify(embedding, head, parameters) };
      },
    };
  const inputs = head.channels + (metadata ? METADATA_FEATURES : 0);
  return {
    attention,
    weights: [
      ...before,
      ...(metadata ? metadataWeights(metadata) : []),
      ...linearWeights('fusion.fc1', inputs, fused, Math.sqrt(1 / inputs)),
      ...linearWeights('fusion.fc2', fused, classes, 0.02),
    ],
    classify(map, samples, parameters, dropout) {
      const pooled = pool(map, head, parameters);
      const together = metadata
        ? tf.concat(
            [
              pooled,
              encodeRecords(
                encodeMetadata(metadata, samples),
                metadata,
                samples.length,
                parameters,
              ),
            ],
            1,
          )
        : pooled;
      const embedding = gelu(linear(dropped(together, dropout), 'fusion.fc1', parameters));
      return { embedding, logits: linear(dropped(embedding, dropout), 'fusion.fc2', parameters) };
    },
  };
}

const linearWeights = (name: string, from: number, to: number, deviation: number): Weight[] => [
  { name: `${name}.weight`, shape: [from, to], initial: { normal: deviation } },
  { name: `${name}.bias`, shape: [to], initial: { constant: 0 } },
];

const linear = (x: tf.Tensor2D, name: string, parameters: Parameters): tf.Tensor2D =>
  tf.add(tf.matMul(x, parameters(`${name}.weight`) as tf.Tensor2D), parameters(`${name}.bias`));

function dropped(x: tf.Tensor2D, dropout: Dropout | undefined): tf.Tensor2D {
  if (!dropout || dropout.rate === 0) return x;
  const { rate, random } = dropout;
  return tf.mul(
    x,
    tf.tensor2d(
      Float32Array.from({ length: x.size }, () => (random.chance(rate) ? 0 : 1 / (1 - rate))),
      x.shape,
    ),
  );
}
