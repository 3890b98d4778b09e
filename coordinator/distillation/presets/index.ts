// The recipes by name.
import { LentigoError } from '../../../common/errors.js';
import type { Recipe } from '../recipe.js';
import { ham10000 } from './ham10000.js';
import { midas } from './midas.js';
import { padUfes } from './pad-ufes.js';
import { slice3d } from './slice-3d.js';
import { trial } from './trial.js';

export const PRESETS: readonly Recipe[] = [padUfes, ham10000, slice3d, midas, trial];

/**
 * The preset with this name.
 * @throws LENTIGO_USAGE when there is none
 */
export function presetNamed(name: string): Recipe {
  const recipe = PRESETS.find((preset) => preset.name === name);
  if (!recipe)
    throw new LentigoError(
      'LENTIGO_USAGE',
      `--preset ${name}: it is one of ${PRESETS.map((preset) => preset.name).join(', ')}`,
    );
  return recipe;
}
