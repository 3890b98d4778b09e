// Synthetic lesions as a dataset format: synthetic:site=1&images=60.
import { z } from 'zod';
import type { DatasetFormat } from './format.js';
import { parseQuery, whole } from './query.js';
import { SPLITS } from './sample.js';
import { syntheticDataset } from './synthetic.js';

const PREFIX = 'synthetic:';

const Settings = z.strictObject({
  site: z
    .string()
    .transform((sites) => sites.split(','))
    .pipe(z.array(whole(0, 1_000_000)).min(1))
    .default([0]),
  images: whole(1, 1_000_000),
  seed: whole(0, 999_999_999).default(0),
  size: whole(32, 1024).default(256),
  split: z.enum(SPLITS).optional(),
});

/**
 * Painted lesions in the style of a site (`site=1,2,3` mixes several; 0, the default, is neutral).
 * `&seed=7` gives other patients, `&split=train` puts all in one split, `&size=128` paints smaller
 * pictures (256 pixels a side by default).
 */
export const SYNTHETIC: DatasetFormat = {
  name: 'synthetic lesions',
  citation: 'painted by Lentigo; no photograph of a person',
  licence: 'Apache-2.0',
  synthetic: true,
  example: 'synthetic:site=1&images=60',
  recognises: (spec) => spec.startsWith(PREFIX),
  open(spec, { labels }) {
    const { site, ...rest } = parseQuery(Settings, spec.slice(PREFIX.length), spec);
    return syntheticDataset({ ...rest, sites: site, labels });
  },
};
