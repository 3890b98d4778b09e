// `npm run cases`: runs the smallest inputs of faults that people met (LENTIGO_CASES), each as its
// README says, and prints what it was and what came of it. `npm run cases B09 B14` runs those.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { saveModel } from '../../common/model/folder.node.js';
import { nano } from '../support/coordinator.js';
import { CASES, HAS_CASES, HAS_WEIGHTS, PACKAGE_ROOT, WEIGHTS } from '../support/shared-data.js';

interface Case {
  /** The beginning of its folder's name. */
  readonly name: string;
  readonly what: string;
  /** Typed in a copy of its folder; LENTIGO, NANO and WEIGHTS name the repository, a model, weights. */
  readonly command: string;
  /** What it has to print, and what not. */
  readonly expected: readonly RegExp[];
  readonly never?: RegExp;
}

const inspect = (name: string, what: string, folder: string, ...expected: RegExp[]): Case => ({
  name,
  what,
  command: `lentigo dataset inspect ${folder}`,
  expected,
});
const weights = (file: string, expected: RegExp): Case => ({
  name: 'B15',
  what: `weights: ${file}`,
  command: `python3 make.py "$WEIGHTS/efficientnet_b0/efficientnet_b0_trash7.safetensors" && lentigo weights import --from ${file}.safetensors --out ${file}`,
  expected: [expected],
});
const READ = /No problems: every image that is named is there and can be read/;

const RUNS: readonly Case[] = [
  inspect('B01', "MIDAS' spellings", '.', READ),
  {
    name: 'B02',
    what: 'a table of 401,059 rows',
    command: 'python3 make.py 401059 && lentigo dataset inspect t | tail -n 3',
    expected: [/images can't be used|No problems|and [\d,]+ more/],
    never: /Fatal|heap/,
  },
  {
    name: 'B03',
    what: 'too few images at one clinic',
    command: 'bash run.sh few',
    expected: [/declined|LENTIGO_UPDATE_SAMPLES/, /^completed/m],
  },
  {
    name: 'B03',
    what: 'every loss is NaN',
    command: 'bash run.sh diverge',
    expected: [/LENTIGO_TRAINING_DIVERGED|LENTIGO_UPDATE_NORM|NaN/, /learning rate/i, /^paused/m],
  },
  {
    name: 'B04',
    what: 'behind a proxy',
    command: 'bash run.sh',
    expected: [/the proxy logged: \[CONNECT coordinator\.test/],
  },
  inspect('B05', 'semicolons', '.', READ),
  ...['NaN', 'nan', 'None', 'NULL'].map((word) =>
    inspect('B07', `missing written ${word}`, word, READ),
  ),
  inspect('B09', 'masks of the same name', 'masks', /AMBIGUOUS/, /masks\/IMG_0/, /photos\/IMG_0/),
  inspect('B09', 'hidden thumbnails', 'thumbnails', READ),
  inspect('B09', 'AppleDouble', 'appledouble', READ),
  {
    name: 'B10',
    what: 'images/ is a link',
    command: 'bash make.sh "$PWD-made" && lentigo dataset inspect "$PWD-made/folder"',
    expected: [READ],
  },
  {
    name: 'B10',
    what: 'a link that leads nowhere',
    command: 'bash make.sh "$PWD-made" && lentigo dataset inspect "$PWD-made/broken"',
    expected: [/^1 image can't be used/m, /IMG_3\.jpg is a link to nowhere/],
  },
  inspect('B11', 'decomposed file names', '.', READ),
  {
    name: 'B12',
    what: '200 megapixels',
    command:
      'node make.cjs "$LENTIGO" && lentigo predict --model "$LENTIGO/models/start" 200mp.jpg',
    expected: [/200mp\.jpg/, /0\.\d/],
  },
  inspect('B13', 'unreadable images', '.', /^2 images can't be used/m),
  inspect('B14', 'HEIC named .jpg', 'node', READ),
  ...(HAS_WEIGHTS
    ? [
        weights('nan', /holds NaN/),
        weights('negvar', /negative variance/),
        weights('f64', /^Imported|written|is in/m),
        weights('i32counter', /^Imported|written|is in/m),
        weights('module', /"module\."/),
      ]
    : []),
  {
    name: 'B16',
    what: 'a metric that validation can’t give',
    command:
      'sed -i "s|NANO.*|$NANO|; s|epochs: 1|&, trainFrom: features.3|" study.yaml && . "$CASES/B18-identity-twice/lib.sh" && D=$PWD/d PORT=18484 && coordinator && lentigo study create study.yaml; finish',
    expected: [/LENTIGO_METRIC_UNDEFINED: malignantAuc/],
  },
  {
    name: 'B18',
    what: 'one identity at two machines',
    command: 'bash run.sh',
    expected: [/LENTIGO_CLINIC_ELSEWHERE/],
  },
];

/** Types a command in a copy of a case's folder; `npx lentigo` is this checkout's. */
async function type(
  folder: string,
  command: string,
  environment: Readonly<Record<string, string>>,
): Promise<{ printed: string; code: number }> {
  const lentigo = `lentigo() { node "$LENTIGO/bin/lentigo.js" "$@"; }`;
  try {
    const { stdout, stderr } = await promisify(execFile)(
      'bash',
      ['-c', `${lentigo}\n${command} 2>&1`],
      {
        cwd: folder,
        env: { ...process.env, ...environment },
        maxBuffer: 1e8,
        timeout: 600_000,
      },
    );
    return { printed: stdout + stderr, code: 0 };
  } catch (thrown) {
    const { stdout, stderr, code } = thrown as { stdout: string; stderr: string; code: number };
    return { printed: `${stdout}${stderr}`, code };
  }
}

async function run(): Promise<void> {
  if (!HAS_CASES) {
    process.exitCode = 1;
    return;
  }
  const wanted = process.argv.slice(2);
  const folders = await readdir(CASES);
  const scratch = await mkdtemp(join(tmpdir(), 'lentigo-cases-'));
  const model = join(scratch, 'nano');
  await saveModel(model, nano());
  const environment = {
    LENTIGO: PACKAGE_ROOT,
    NANO: model,
    WEIGHTS,
    CASES,
    TMPDIR: scratch,
    LENTIGO_ENGINE: 'wasm',
  };
  const logs = join(PACKAGE_ROOT, 'out', 'cases');
  await mkdir(logs, { recursive: true });
  let failed = 0;
  for (const [i, { name, what, command, expected, never }] of RUNS.entries()) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const source = folders.find((folder) => folder.startsWith(name));
    if (source === undefined) continue;
    const folder = join(scratch, `${i}`, source);
    await cp(join(CASES, source), folder, { recursive: true, verbatimSymlinks: true });
    const began = performance.now();
    const { printed, code } = await type(folder, command, environment);
    const seconds = Math.round((performance.now() - began) / 1000);
    await writeFile(join(logs, `${name}-${i}.txt`), printed);
    const missing = expected.filter((text) => !text.test(printed));
    const bug = /LENTIGO_INTERNAL|This is a bug/.test(printed) || never?.test(printed);
    const good = missing.length === 0 && !bug;
    if (!good) failed++;
    const line = expected.map((text) => text.exec(printed)?.[0] ?? `nothing like ${text}`);
    process.stdout.write(
      `${good ? '✓' : '✗'} ${name} ${what} (${seconds} s, exit ${code}): ${line.join(' · ')}\n`,
    );
  }
  await rm(scratch, { recursive: true, force: true });
  process.stdout.write(
    failed === 0 ? 'All are as they should be.\n' : `${failed} are not as they should be.\n`,
  );
  process.stdout.write(`What each printed: ${logs}\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

await run();
