// Runs `npm run demo` unchanged: its table, time and memory. On synthetic lesions, and on
// photographs with published weights.
import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { succeed } from '../support/processes.js';
import { HAS_PAD_UFES, PACKAGE_ROOT, PAD_UFES, WEIGHTS } from '../support/shared-data.js';
import type { Benchmark } from './benchmark.js';

/** Name of the environment variable that points to the photographs. */
const DATA = 'PAD_UFES_DIR';
const FILE = 'efficientnet_b0.safetensors';

export const demo: Benchmark = {
  name: 'demo',
  title: 'The demo, on synthetic lesions',
  command: 'LENTIGO_ENGINE=wasm npm run demo',
  long: true,
  run: async (say) => printed(await runDemo('wasm', ['--out', join('out', 'bench', 'demo')], say)),
};

export const padUfes: Benchmark = {
  name: 'pad-ufes',
  title: 'A study on photographs: PAD-UFES-20, three clinics, eight rounds',
  command: `npx lentigo weights import --from ${FILE} --out out/bench/imported && LENTIGO_ENGINE=native npm run demo -- --data ${DATA} --init out/bench/imported --rounds 8`,
  long: true,
  async run(say) {
    const folder = join(WEIGHTS, 'efficientnet_b0');
    const file = (await readdir(folder).catch(() => [])).find((name) =>
      name.endsWith('.safetensors'),
    );
    if (!HAS_PAD_UFES || !file)
      throw new Error(
        `${PAD_UFES} or weights in ${folder} are missing: set LENTIGO_PAD_UFES and LENTIGO_WEIGHTS`,
      );
    say('importing the weights');
    const init = join('out', 'bench', 'imported');
    await succeed(['weights', 'import', '--from', join(folder, file), '--out', init], {
      cwd: PACKAGE_ROOT,
    });
    const text = await runDemo(
      'native',
      [
        '--data',
        PAD_UFES,
        '--init',
        init,
        '--rounds',
        '8',
        '--out',
        join('out', 'bench', 'pad-ufes'),
      ],
      say,
    );
    return `\`${DATA}\` is the published data set's folder, \`${FILE}\` an EfficientNet-B0 with torchvision's names, trained on ImageNet and then on photographs that show no skin; the head is new. \`LENTIGO_PAD_UFES\` and \`LENTIGO_WEIGHTS\` say where \`npm run bench -- pad-ufes\` finds them.

${printed(text)}`;
  },
};

const printed = (text: string): string =>
  `\`\`\`\n${text.replaceAll(PAD_UFES, DATA).trim()}\n\`\`\``;

/**
 * Runs the demo.
 * @returns its output
 */
async function runDemo(
  engine: string,
  args: readonly string[],
  say: (text: string) => void,
): Promise<string> {
  const child = spawn(process.execPath, [join('dist', 'demo.js'), ...args], {
    cwd: PACKAGE_ROOT,
    env: { ...process.env, LENTIGO_ENGINE: engine },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    say(part.trim());
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`the demo ended with ${code}:\n${text}`);
  return text;
}
