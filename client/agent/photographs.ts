// What an agent knows of its photographs: looked through when it starts, without decoding them, and
// added to when training finds one that can't be read. Kept in the home, so that `lentigo clinic
// status` can show it.
import { z } from 'zod';
import { utf8 } from '../../common/crypto/bytes.js';
import type { Dataset, Sample } from '../../common/dataset/sample.js';
import { LentigoError } from '../../common/errors.js';
import { checkPicture } from '../../common/images/check.node.js';
import { imageError } from '../../common/images/image-error.js';
import type { Skipped } from '../../common/training/features.js';
import type { Store } from '../participation/store.js';

const Count = z.strictObject({ images: z.int(), patients: z.int() });
/** Why an image is not used. */
const Unusable = z.strictObject({ id: z.string(), message: z.string() });

export const Photographs = z.strictObject({
  data: z.string(),
  /** When the agent started. */
  checked: z.iso.datetime(),
  /** Without those that the start found to be unusable; so are the next two. */
  all: Count,
  /** What this clinic trains on. */
  training: Count,
  /** What --evaluation-share keeps apart. */
  evaluation: Count,
  /** Who says which images are trained on: the data itself, or --evaluation-share. */
  splits: z.enum(['data', 'agent']),
  /** Number of images that can't be used; the first of them by name. */
  unusable: z.int(),
  first: z.array(Unusable).readonly(),
});
export type Photographs = z.infer<typeof Photographs>;

const FILE = 'photographs.json';
/** So many are named; the others are counted. */
const NAMED = 100;
/** Number of files looked through in parallel. */
const AT_ONCE = 16;

const countOf = (samples: readonly Sample[]): z.infer<typeof Count> => ({
  images: samples.length,
  patients: new Set(samples.map(({ patient }) => patient)).size,
});

/** The photographs of a running agent. */
export class AgentPhotographs {
  readonly #store: Store;
  readonly #unusable: Map<string, string>;
  #summary: Photographs;

  private constructor(store: Store, summary: Photographs, unusable: Map<string, string>) {
    this.#store = store;
    this.#summary = summary;
    this.#unusable = unusable;
  }

  /**
   * Looks through the training images, and keeps what it finds.
   * @throws LENTIGO_DISK_FULL
   */
  static async check(dataset: Dataset, store: Store): Promise<AgentPhotographs> {
    const { samples, problems, name } = dataset;
    const training = samples.filter(({ split }) => split === 'train');
    const unusable = new Map(problems.map(({ id, message }) => [id, message]));
    const broken = new Set<Sample>();
    for (let start = 0; start < training.length; start += AT_ONCE)
      await Promise.all(
        training.slice(start, start + AT_ONCE).map(async (sample) => {
          const { id, origin } = sample;
          if (!origin || !('file' in origin)) return;
          await checkPicture(origin.file).catch((thrown: unknown) => {
            unusable.set(id, imageError(thrown).message);
            broken.add(sample);
          });
        }),
      );
    const splits = dataset.splits === 'drawn' ? 'agent' : 'data';
    const summary = {
      data: name,
      checked: new Date().toISOString(),
      all: countOf(samples.filter((sample) => !broken.has(sample))),
      training: countOf(training.filter((sample) => !broken.has(sample))),
      evaluation: countOf(
        splits === 'agent' ? samples.filter(({ split }) => split === 'heldout') : [],
      ),
      splits,
      unusable: 0,
      first: [],
    } as const;
    const photographs = new AgentPhotographs(store, { ...summary, first: [] }, unusable);
    await photographs.#save();
    return photographs;
  }

  get summary(): Photographs {
    return this.#summary;
  }

  /**
   * Adds what training found.
   * @returns those that are new
   * @throws LENTIGO_DISK_FULL
   */
  async add(found: readonly Skipped[]): Promise<readonly Skipped[]> {
    const fresh = found.filter(({ id }) => !this.#unusable.has(id));
    for (const { id, message } of fresh) this.#unusable.set(id, message);
    if (fresh.length > 0) await this.#save();
    return fresh;
  }

  async #save(): Promise<void> {
    const all = [...this.#unusable].sort(([a], [b]) => (a < b ? -1 : 1));
    this.#summary = {
      ...this.#summary,
      unusable: all.length,
      first: all.slice(0, NAMED).map(([id, message]) => ({ id, message })),
    };
    await this.#store.write(FILE, utf8(JSON.stringify(this.#summary)));
  }
}

/**
 * What an agent last found; undefined before its first start.
 * @throws LENTIGO_HOME_INVALID
 */
export async function photographsOf(store: Store): Promise<Photographs | undefined> {
  const bytes = await store.read(FILE);
  if (!bytes) return undefined;
  try {
    return Photographs.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw new LentigoError('LENTIGO_HOME_INVALID', `${FILE} is damaged.`, { cause });
  }
}

const images = ({ images: n, patients }: z.infer<typeof Count>): string =>
  `${n} of ${patients} ${patients === 1 ? 'patient' : 'patients'}`;

/** "213 photographs of 150 patients in DIR: 170 of 120 patients to train, …" */
export function describePhotographs({
  data,
  all,
  training,
  evaluation,
  splits,
}: Omit<Photographs, 'checked' | 'unusable' | 'first'>): string {
  const begin = `${all.images} photographs of ${all.patients} ${all.patients === 1 ? 'patient' : 'patients'} in ${data}`;
  if (splits === 'data')
    return training.images === all.images
      ? `${begin}: all to train.`
      : `${begin}: ${images(training)} to train (its train split); its validation and held-out photographs are not used.`;
  return evaluation.images === 0
    ? `${begin}: all to train (--evaluation-share keeps some apart).`
    : `${begin}: ${images(training)} to train, ${images(evaluation)} kept for this clinic's own evaluation.`;
}

/** So many are named while the agent runs; `lentigo clinic status` names more. */
export const SHOWN = 5;

/** "2 photographs can't be used:" and the first of them, one a line. */
export function describeUnusable(
  { unusable, first }: Pick<Photographs, 'unusable' | 'first'>,
  most: number,
): string {
  const lines = first.slice(0, most).map(({ id, message }) => `  ${id}: ${message}`);
  if (unusable > lines.length) lines.push(`  and ${unusable - lines.length} more`);
  return [
    `${unusable} ${unusable === 1 ? 'photograph' : 'photographs'} can't be used and ${unusable === 1 ? 'is' : 'are'} left out:`,
    ...lines,
  ].join('\n');
}
