// Whether parameters can be computed with: finite values, and no negative variance. A model that
// fails here would train to NaN at every clinic.
import { LentigoError } from '../errors.js';
import type { ParameterSet } from '../update/parameter-set.js';

/**
 * Refuses parameters that no network can use.
 * @throws LENTIGO_WEIGHTS_INVALID naming the first of them and how many of its values are wrong
 */
export function checkValues(parameters: ParameterSet): void {
  const problems = parameters.specs.flatMap(({ name }) => {
    const why = wrong(name, parameters.get(name));
    return why === null ? [] : [`parameter ${name} holds ${why}`];
  });
  if (problems.length > 0)
    throw new LentigoError(
      'LENTIGO_WEIGHTS_INVALID',
      problems.length === 1
        ? problems[0]!
        : `${problems[0]!}; ${problems.length - 1} other parameters cannot be used either`,
    );
}

function wrong(name: string, values: Float32Array): string | null {
  let [nan, infinite, negative] = [0, 0, 0];
  for (const value of values) {
    if (Number.isNaN(value)) nan++;
    else if (!Number.isFinite(value)) infinite++;
    else if (value < 0) negative++;
  }
  const of = `of ${values.length} values`;
  if (nan > 0) return `NaN (not a number) in ${nan} ${of}`;
  if (infinite > 0) return `infinity in ${infinite} ${of}, or numbers too large for 32 bits`;
  return negative > 0 && name.endsWith('.running_var')
    ? `a negative variance in ${negative} ${of}`
    : null;
}
