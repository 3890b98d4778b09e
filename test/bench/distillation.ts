// Finished distillations summed up: teachers, and students with and without them. The distillations themselves take hours; this reads their folders.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { succeed } from '../support/processes.js';
import { PACKAGE_ROOT } from '../support/shared-data.js';
import type { Benchmark } from './benchmark.js';
import { readFinished } from './finished.js';

const SEEDS = [0, 1, 2];
const FOLDERS = (process.env['LENTIGO_DISTILLATIONS'] ?? SEEDS.flatMap((seed) => [`out/plain-${seed}`, `out/distilled-${seed}`]).join(' ')).split(' ');

const Report = z.looseObject({
  settings: z.looseObject({ engine: z.string(), recipe: z.looseObject({ name: z.string() }), teacher: z.string().nullable(), losses: z.array(z.string()), metadata: z.string(), seed: z.int() }),
  images: z.strictObject({ train: z.int(), validation: z.int(), heldout: z.int() }),
});
type Report = z.infer<typeof Report>;

export const distillation: Benchmark = {
  name: 'distillation',
  title: 'The distilled student, on PAD-UFES-20',
  command: `npx lentigo distill summary ${FOLDERS.join(' ')}`,
  long: true,
  async run(say) {
    const reports = (await readFinished(FOLDERS, 'distillation.json', 'finished distillation', 'LENTIGO_DISTILLATIONS')).map((report) => Report.parse(report));
    const teachers = await Promise.all(FOLDERS.map(async (folder) => readFile(join(PACKAGE_ROOT, folder, 'teacher-1', 'teacher.safetensors')).then((bytes) => createHash('sha256').update(bytes).digest('hex'), () => undefined)));
    say('summing up');
    const summary = await succeed(['distill', 'summary', ...FOLDERS], { cwd: PACKAGE_ROOT });
    const commands = reports.map((report, i) => {
      const first = teachers[i] === undefined ? i : teachers.indexOf(teachers[i]);
      return commandOf(report, FOLDERS[i]!, first < i ? FOLDERS[first] : undefined);
    });
    const { train, validation, heldout } = reports[0]!.images;
    return `${train} training, ${validation} validation and ${heldout} held-out photographs, divided by patient; each epoch chosen on validation. Made by these (\`PAD_UFES_DIR\`: the published data set; \`B0_DIR\`: \`lentigo weights import\` of an EfficientNet-B0 with torchvision's names; \`V2_FILE\`: Keras' EfficientNetV2-B0):

\`\`\`sh
${commands.join('\n')}
\`\`\`

\`\`\`
${summary.trim()}
\`\`\``;
  },
};

/** The command that gives this report. @param from the folder whose teacher it took */
function commandOf({ settings: { engine, recipe, teacher, losses, metadata, seed } }: Report, out: string, from: string | undefined): string {
  const taught = teacher === null ? '--without-teacher' : `--teacher ${teacher} ${from === undefined ? '--teacher-init V2_FILE' : `--teachers-from ${from}`} --losses ${losses.join(',')} --metadata ${metadata}`;
  return `LENTIGO_ENGINE=${engine} npx lentigo distill --preset ${recipe.name} --data PAD_UFES_DIR --init B0_DIR ${taught} --seed ${seed} --out ${out}`;
}
