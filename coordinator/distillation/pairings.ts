// Which blocks' attention maps are compared: those where teacher and student have the same
// resolution.
import * as tf from '@tensorflow/tfjs';
import type { Sample } from '../../common/dataset/sample.js';
import type { Student } from '../../common/model/student.js';
import type { Teacher } from '../../common/model/teacher.js';
import type { Pairing } from './teacher-outputs.js';

/**
 * How many of the coarsest shared resolutions are compared: at finer ones networks see edges, not
 * lesions.
 */
const RESOLUTIONS = 2;

/** Maps the side of a block's output to the last block that has it. */
const bySide = (maps: ReadonlyMap<string, tf.Tensor4D>): Map<number, string> =>
  new Map([...maps].map(([name, { shape }]) => [shape[1], name]));

/**
 * The last blocks at each shared resolution, with the student's from `from` on.
 * @param sample any sample, as a teacher with metadata needs one
 */
export function pairingsOf(
  student: Student,
  teacher: Teacher,
  from: string,
  sample: Sample,
): Pairing[] {
  return tf.tidy(() => {
    const picture = (size: number): tf.Tensor4D => tf.zeros([1, size, size, 3]);
    const own = bySide(
      student.trace(student.features(picture(student.inputSize), from), from).maps,
    );
    const taught = bySide(
      teacher.trace(picture(teacher.inputSize), teacher.blocks[0]!, [sample]).maps,
    );
    const shared = [...own.keys()].filter((side) => taught.has(side)).sort((a, b) => a - b);
    return shared
      .slice(0, RESOLUTIONS)
      .map((side) => ({ teacher: taught.get(side)!, student: own.get(side)! }));
  });
}
