// Where a model comes from: the study, simulation, distillation or pretraining that made it, on
// which data, and by which release. It travels inside of the model, in model.safetensors and
// model.json.
import { z } from 'zod';
import { Sha256 } from '../protocol/primitives.js';

const count = z.int().nonnegative();

/** Images that a model was trained, chosen or measured on. */
export const DataUsed = z.strictObject({
  /** The archive, such as PAD-UFES-20. */
  name: z.string().min(1).max(200),
  use: z.enum(['training', 'evaluation', 'training and evaluation']),
  /** For painted lesions what they are painted by, such as synthetic:site=0. */
  source: z.string().max(1000).optional(),
  licence: z.string().max(500).optional(),
  images: z.strictObject({ train: count, validation: count, heldout: count }).optional(),
  /** Of the images' ids, diagnoses, patients and splits. */
  sha256: Sha256.optional(),
});
export type DataUsed = z.infer<typeof DataUsed>;

export const Provenance = z.strictObject({
  kind: z.enum(['study', 'simulation', 'distillation', 'pretraining']),
  /** The release of Lentigo that made it. */
  software: z.string().max(64),
  /**
   * When the round or epoch ended, or else when the model was written; UTC. The models of a
   * simulation or distillation have none: the same settings give the same files.
   */
  made: z.iso.datetime().optional(),
  /** Which of the models that were made, and by what it was chosen. */
  chosen: z.string().max(500),
  study: z.strictObject({ id: z.string().max(64), name: z.string().max(200) }).optional(),
  round: count.optional(),
  /** SHA-256 of the model that it began from, as safetensors; absent for random weights. */
  start: Sha256.optional(),
  settings: z.record(z.string(), z.unknown()),
  /** What it and the models before it were made from, as far as is known. */
  data: z.array(DataUsed).max(64),
  /** The study's audit chain when the model was given out: number of entries, and the last one's hash. */
  audit: z.strictObject({ entries: count, head: Sha256 }).optional(),
});
export type Provenance = z.infer<typeof Provenance>;

/** From its JSON; undefined where there is none, or it is of another release and not understood. */
export function provenanceFrom(json: string | undefined): Provenance | undefined {
  if (json === undefined) return undefined;
  try {
    return Provenance.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}

/** The data of a new model: that of the model it began from, and its own. */
export function dataAfter(
  start: { readonly provenance?: Provenance | undefined },
  own: readonly DataUsed[],
): DataUsed[] {
  const all = [...(start.provenance?.data ?? []), ...own];
  const different = new Map(all.map((data) => [JSON.stringify(data), data]));
  return [...different.values()].slice(-64);
}

/**
 * What the data shares with what a model was made from, as sentences for people; a result on it says
 * less than it seems to.
 */
export function overlaps(provenance: Provenance | undefined, data: DataUsed): string[] {
  const found = new Set<string>();
  for (const before of provenance?.data ?? []) {
    if (before.sha256 !== undefined && before.sha256 === data.sha256)
      found.add(`it was made from these very images (${before.name}, used for ${before.use})`);
    else if (before.source !== undefined && data.source !== undefined) {
      const sites = sitesOf(before.source).filter((site) => sitesOf(data.source!).includes(site));
      if (sites.length > 0)
        found.add(`it was made from synthetic lesions of site ${sites.join(', ')}, too`);
    } else if (before.name === data.name)
      found.add(`it was made from images of ${before.name}, too (used for ${before.use})`);
  }
  return [...found];
}

/** The sites in "synthetic:site=0,1&…"; without any it is the neutral one, 0. */
const sitesOf = (source: string): string[] =>
  (/[:&?]site=([\d,]+)/.exec(source)?.[1] ?? '0').split(',');

/** As paragraphs of a model card. */
export function provenanceText(provenance: Provenance): string {
  const { kind, software, made, chosen, study, start, settings, data, audit } = provenance;
  const by = {
    study: `By the study "${study?.name ?? ''}" (${study?.id ?? ''})`,
    simulation: 'By a simulation of a federated study in one process',
    distillation: 'By distillation: trained on photographs and on what a teacher says of them',
    pretraining: 'By `npm run pretrain`',
  }[kind];
  const used = data.map(
    ({ name, use, source, licence, images, sha256 }) =>
      `- ${name}${source === undefined ? '' : `, \`${source}\``}: ${use}${images ? `, ${images.train} training, ${images.validation} validation and ${images.heldout} held-out images` : ''}${licence === undefined ? '' : `, ${licence}`}${sha256 === undefined ? '' : `, SHA-256 of its ids, diagnoses, patients and splits \`${sha256}\``}`,
  );
  return [
    `${by}${made === undefined ? '' : `, ${made}`}, Lentigo ${software}: ${chosen}.${start === undefined ? ' It began from random weights.' : ` It began from the model with SHA-256 \`${start}\`.`}`,
    `Settings: \`${JSON.stringify(settings)}\``,
    ...(used.length > 0 ? [`Made from, as far as is known:\n\n${used.join('\n')}`] : []),
    ...(kind === 'study'
      ? ["The clinics' own photographs, on which a study trains, are known to the clinics alone."]
      : []),
    ...(audit
      ? [
          `The study's audit chain then had ${audit.entries} entries; the last one's hash is \`${audit.head}\`.`,
        ]
      : []),
  ].join('\n\n');
}
