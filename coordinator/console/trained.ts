// The part of a model that clinics train, in words.
import { strings } from './strings/index.js';

const t = strings.create;

/**
 * "the last 3 blocks and the classifier"; null where there is no such block.
 * @param blocks of the architecture, from the input to the classifier
 * @param first the first that is trained
 */
export function trainedWords(blocks: readonly string[], first: string): string | null {
  const at = blocks.indexOf(first);
  if (at < 0) return null;
  return at === 0 ? t.trainsAll : t.trains(blocks.length - 1 - at);
}
