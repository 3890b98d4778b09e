// Where the tests find real photographs and published weights, which are not part of the
// repository; tests that need them are skipped, visibly, where they are absent.
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The package root: the nearest folder above that holds package.json (the tests run from dist/).
 */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const above = dirname(folder);
    if (above === folder) throw new Error('no package.json above the tests');
    folder = above;
  }
  return folder;
}

export const PACKAGE_ROOT = packageRoot();

/** A PAD-UFES-20 folder: metadata.csv and images. */
export const PAD_UFES = resolve(
  PACKAGE_ROOT,
  process.env['LENTIGO_PAD_UFES'] ?? '../shared/data/pad-ufes-20',
);
export const HAS_PAD_UFES = existsSync(join(PAD_UFES, 'metadata.csv'));

/** A folder of published weights: efficientnet_b0/*.safetensors with reference.json. */
export const WEIGHTS = resolve(PACKAGE_ROOT, process.env['LENTIGO_WEIGHTS'] ?? '../shared/weights');
export const HAS_WEIGHTS = existsSync(WEIGHTS);

/**
 * A HAM10000 folder: metadata.csv with a split column, and images. Its licence (CC BY-NC) allows
 * measuring, not shipping.
 */
export const HAM10000 = resolve(
  PACKAGE_ROOT,
  process.env['LENTIGO_HAM10000'] ?? '../shared/data/ham10000',
);
export const HAS_HAM10000 = existsSync(join(HAM10000, 'metadata.csv'));

/** The smallest inputs of faults that people met, one folder each. */
export const CASES = resolve(PACKAGE_ROOT, process.env['LENTIGO_CASES'] ?? '../shared/cases');
export const HAS_CASES = existsSync(CASES);

if (!HAS_PAD_UFES)
  console.warn(
    `skipped: tests on real photographs (no PAD-UFES-20 in ${PAD_UFES}; set LENTIGO_PAD_UFES)`,
  );
if (!HAS_WEIGHTS)
  console.warn(`skipped: tests with published weights (none in ${WEIGHTS}; set LENTIGO_WEIGHTS)`);
if (!HAS_HAM10000)
  console.warn(
    `skipped: tests on real dermoscopic images (no HAM10000 in ${HAM10000}; set LENTIGO_HAM10000)`,
  );
if (!HAS_CASES)
  console.warn(`skipped: tests on inputs that failed (none in ${CASES}; set LENTIGO_CASES)`);
