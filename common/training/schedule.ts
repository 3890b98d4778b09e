// The learning rate's schedule within a training.

/** Share of the steps in which the learning rate rises. */
const WARM_UP = 0.1;

/**
 * Linear warm-up, then half a cosine to 0 (Loshchilov & Hutter 2017).
 * @param done share of the steps that are done, 0–1
 * @param ahead what the warm-up is ahead by, so that the first step isn't taken at rate 0
 * @returns the share of the highest learning rate
 */
export const warmUpCosine = (done: number, ahead = 0): number =>
  done < WARM_UP
    ? (done + ahead) / WARM_UP
    : (1 + Math.cos((Math.PI * (done - WARM_UP)) / (1 - WARM_UP))) / 2;
