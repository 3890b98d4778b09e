// Numbers as the app's pages write them.
import { expect, it } from 'vitest';
import { percentsApart } from '../../../client/web/strings/format.js';

it.each([
  [0.72, 0.5, '72%', '50%'],
  [0.496, 0.5, '49.6%', '50.0%'],
  [0.49996, 0.5, '49.996%', '50.000%'],
  [0.5, 0.5, '50%', '50%'],
  [0.0312, 0.0308, '3.12%', '3.08%'],
])('%d beside %d is never shown as the same unless it is', (a, b, ...shown) => {
  expect(percentsApart(a, b)).toEqual(shown);
});
