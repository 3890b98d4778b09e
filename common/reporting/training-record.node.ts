// How the model in a folder was trained, according to the record that a distillation left beside
// it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** The fields read from distillation.json, two folders above its student/model. */
const Distillation = z.object({
  settings: z.object({
    engine: z.string(),
    recipe: z.object({ name: z.string(), metadata: z.unknown().optional() }),
    teacher: z.string().nullable(),
    losses: z.array(z.string()),
    metadata: z.string(),
    seed: z.int(),
    hashes: z.object({ data: z.string() }),
  }),
  images: z.object({ train: z.int(), validation: z.int() }),
  trained: z.array(z.object({ name: z.string(), epoch: z.int(), epochs: z.int() })),
});

/** One or two sentences; undefined where no distillation made the model there. */
export async function trainingOf(modelFolder: string): Promise<string | undefined> {
  const text = await readFile(join(modelFolder, '..', '..', 'distillation.json'), 'utf8').catch(
    () => undefined,
  );
  const parsed = text === undefined ? undefined : Distillation.safeParse(JSON.parse(text));
  if (!parsed?.success) return undefined;
  const {
    settings: { engine, recipe, teacher, losses, metadata, seed, hashes },
    images,
    trained,
  } = parsed.data;
  const taught =
    teacher === null
      ? 'without a teacher'
      : `taught by ${teacher} (${losses.join(', ')}${recipe.metadata === undefined ? '' : `; the teacher's metadata: ${metadata}`})`;
  const epochs = trained
    .map(({ name, epoch, epochs: of }) => `${name} ${epoch} of ${of}`)
    .join(', ');
  return `\`lentigo distill --preset ${recipe.name} --seed ${seed}\`, ${taught}, on ${images.train} images, engine ${engine}. Validation (${images.validation} images) chose the epochs: ${epochs}. SHA-256 of the images' table: \`${hashes.data}\`.`;
}
