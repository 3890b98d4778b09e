// What a model does at the threshold that validation chose, as a sentence.
import type { OperatingPoint } from '../evaluation/operating-point.js';

/** "It finds 8 of 10 malignant images, and raises 2 false alarms among 10 benign ones, when …" */
export const operatingPointText = ({
  threshold,
  malignant,
  found,
  benign,
  falseAlarms,
}: OperatingPoint): string =>
  `It finds ${found} of ${malignant} malignant images, and raises ${falseAlarms} false ${falseAlarms === 1 ? 'alarm' : 'alarms'} among ${benign} benign ones, when it flags those whose malignant classes have a probability of at least ${threshold.toFixed(3)} together: the threshold with the largest sensitivity + specificity on the validation images (Youden's index).`;
