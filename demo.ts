// `npm run demo`: a whole study on this machine. A coordinator and three clinics, each a process of
// its own, train for a few rounds.
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { openDataset } from './common/dataset/open.node.js';
import type { Sample } from './common/dataset/sample.js';
import { surveyEngines, useEngine } from './common/engine/engine.node.js';
import { type ErrorCode, ERRORS, LentigoError } from './common/errors.js';
import { predictSamples } from './common/evaluation/evaluate.js';
import { makeFolders, systemCode } from './common/files/durable.node.js';
import { ROUND_COLUMNS, rowLine } from './common/reporting/round-table.js';
import { decodeModel, encodeModel } from './common/model/encoding.js';
import { loadModel, saveModel } from './common/model/folder.node.js';
import { createStudent } from './common/model/student.js';
import { MovingLine } from './common/progress.node.js';
import type { StudyView } from './common/protocol/console.js';
import { StudyConfig } from './common/protocol/study.js';
import { InputThread } from './common/training/input-thread.node.js';
import { commandFailure } from './commands/failure.js';
import { whole } from './commands/options.js';
import { ConsoleClient } from './coordinator/console-client.js';
import { flaggedBy, flaggedText, heldoutPage } from './demo-page.js';
import { headline, roundCells } from './commands/study-report.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LENTIGO = join(ROOT, 'bin', 'lentigo.js');
const CLINICS = 3;
/** Everything is on this machine, whatever proxies its network has. */
const DIRECT = ['--proxy', 'none'];

interface Flags {
  readonly data?: string;
  readonly init: string;
  readonly rounds: number;
  readonly out: string;
}

const program = new Command('demo')
  .description(
    'One federated study on this machine: a coordinator and three clinics, each a process of its own.',
  )
  .option(
    '--data <dir>',
    'a PAD-UFES-20 folder; its training patients are divided among the clinics (default: synthetic lesions, a different look at each clinic)',
  )
  .option('--init <dir>', 'the starting model', join(ROOT, 'models', 'start'))
  .option('--rounds <number>', 'rounds of training', whole('--rounds', 1, 10_000), 3)
  .option(
    '--out <dir>',
    'where models and logs go; an earlier demo is replaced',
    join('out', 'demo'),
  )
  .exitOverride()
  .action(demo);

/** Where each clinic's images come from, and the coordinator's own. */
function sources(data: string | undefined): { clinics: string[]; evaluation: string } {
  const numbers = Array.from({ length: CLINICS }, (_, i) => i + 1);
  if (data === undefined) {
    return {
      clinics: numbers.map((n) => `synthetic:site=${n}&images=72&seed=${n}&split=train`),
      evaluation: `synthetic:site=${numbers.join(',')}&images=360&seed=100`,
    };
  }
  const folder = resolve(data);
  return {
    clinics: numbers.map((n) => `${folder}?clinics=${CLINICS}&clinic=${n}&seed=1`),
    evaluation: folder,
  };
}

async function demo(flags: Flags): Promise<void> {
  const began = Date.now();
  const out = resolve(flags.out);
  const processes: ChildProcess[] = [];
  const screen = new Screen();
  const stopAll = () => processes.forEach((p) => p.kill('SIGTERM'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      stopAll();
      process.exit(130);
    });
  try {
    const { clinics, evaluation } = sources(flags.data);
    // What is wrong with the folder shows before anything is started, or an earlier demo emptied.
    if (flags.data !== undefined) await openDataset(evaluation);
    await emptied(out);
    const model = await loadModel(resolve(flags.init));
    // Before an earlier demo is replaced, and anything runs.
    const { samples } = await openDataset(evaluation, { labels: model.labels });
    await emptied(out);
    const engine = (await surveyEngines()).find((e) => e.chosen);
    screen.say(
      `Lentigo demo: ${CLINICS} clinics, ${flags.rounds} rounds, ${model.architecture}, engine ${engine?.name ?? '?'}.`,
    );
    screen.say(
      flags.data === undefined
        ? 'Data: synthetic lesions; skin, light, blur and hair differ by clinic.'
        : `Data: ${flags.data}, its training patients divided among the clinics.`,
    );

    screen.doing('starting the coordinator');
    const dataDir = join(out, 'coordinator');
    const coordinator = start(
      'coordinator',
      ['coordinator', '--port', '0', '--data-dir', dataDir],
      join(out, 'coordinator.log'),
    );
    processes.push(coordinator.process);
    const { url } = await coordinator.line((l) => typeof l['url'] === 'string');
    if (existsSync(join(ROOT, 'dist', 'web', 'console')))
      screen.say(
        `Console, while this runs: ${String(url)}/ (it asks for the admin token, in ${relative('.', join(dataDir, 'admin-token'))})`,
      );
    const console = new ConsoleClient(
      String(url),
      (await readFile(join(dataDir, 'admin-token'), 'utf8')).trim(),
    );

    const config = StudyConfig.parse({
      name: 'Demo',
      model: flags.init,
      rounds: flags.rounds,
      seed: 1,
      training: flags.data === undefined ? SYNTHETIC_PLAN : PHOTOGRAPH_PLAN,
      cohort: { minimum: CLINICS, quorum: 2, deadlineSeconds: 3600 },
      evaluation: { data: evaluation },
    });
    const { id } = await console.createStudy({
      config,
      start: await console.uploadModel(encodeModel(model)),
    });

    screen.doing('enrolling the clinics');
    await Promise.all(
      clinics.map(async (_, i) => {
        const { invitation } = await console.invite(id, `Clinic ${i + 1}`, 1);
        await finished(
          start(
            `clinic-${i + 1}`,
            [
              'clinic',
              'enrol',
              invitation,
              '--home',
              join(out, `clinic-${i + 1}`),
              '--name',
              `Clinic ${i + 1}`,
              ...DIRECT,
            ],
            join(out, `enrol-${i + 1}.log`),
          ),
        );
      }),
    );
    // In a real study a person compares each fingerprint by telephone before this.
    for (const clinic of (await console.study(id)).clinics)
      await console.decide(id, clinic.id, 'approve');
    for (const [i, data] of clinics.entries()) {
      processes.push(
        start(
          `clinic-${i + 1}`,
          [
            'clinic',
            'run',
            '--home',
            join(out, `clinic-${i + 1}`),
            '--data',
            data,
            '--json',
            ...DIRECT,
          ],
          join(out, `clinic-${i + 1}.log`),
        ).process,
      );
    }
    await console.act(id, 'start');
    const view = await follow(console, id, screen, processes, out);

    screen.doing('saving the best model');
    const best = join(out, 'best');
    await saveModel(best, decodeModel(await console.model(id, 'best')));
    await saveModel(join(out, 'last'), decodeModel(await console.model(id, 'last')));
    screen.say('');
    for (const line of headline(view)) screen.say(line);
    await showHeldout(screen, view, samples, best, out);
    screen.say('');
    screen.say(
      `Best model: ${relative('.', best)}    last: ${relative('.', join(out, 'last'))}    logs: ${relative('.', out)}/*.log`,
    );
    const memory =
      peakMemory > 0
        ? `, at most ${(peakMemory / 1e9).toFixed(1)} GB of memory over all processes`
        : '';
    screen.say(
      `Done in ${Math.round((Date.now() - began) / 1000)} s${memory}. Research use only: not a medical device.`,
    );
  } finally {
    screen.clear();
    stopAll();
    await Promise.all(
      processes
        .filter((p) => p.exitCode === null && p.signalCode === null)
        .map((p) => new Promise((done) => p.once('exit', done))),
    );
  }
}

/** Prints a row for each round as it ends, and between them what every clinic is doing. */
async function follow(
  console: ConsoleClient,
  id: string,
  screen: Screen,
  processes: readonly ChildProcess[],
  out: string,
): Promise<StudyView> {
  screen.say('');
  screen.row(ROUND_COLUMNS);
  for (let printed = 0; ; await sleep(400)) {
    peakMemory = Math.max(peakMemory, memoryOf([process.pid, ...processes.map((p) => p.pid ?? 0)]));
    const view = await console.study(id);
    for (let cells = roundCells(view, printed); cells; cells = roundCells(view, printed)) {
      screen.row(cells);
      printed++;
    }
    if (view.status === 'completed') return view;
    if (view.status !== 'running')
      throw new LentigoError(
        'LENTIGO_STUDY_STATE',
        `The study is ${view.status}: ${view.reason ?? ''} Logs: ${out}`,
      );
    for (const p of processes.filter((p) => p.exitCode !== null && p.exitCode !== 0)) {
      const [, , command, , , home] = p.spawnargs;
      const name = command === 'clinic' ? basename(home!) : command!;
      throw await ending(name, p.exitCode, join(out, `${name}.log`));
    }
    const returned = new Set(
      view.rounds.find((r) => r.attempt === view.round?.attempt)?.updates.map((u) => u.clinic),
    );
    const doing = view.clinics.map(
      (c) =>
        `${c.name.replace('Clinic ', '#')} ${returned.has(c.id) ? 'returned' : c.progress && c.progress.attempt === view.round?.attempt ? `${c.progress.phase} ${Math.round(c.progress.fraction * 100)}%` : c.connected ? 'connected' : 'starting'}`,
    );
    screen.doing(
      `round ${view.round?.number ?? 0} of ${view.config.rounds} ${view.round?.phase ?? ''}: ${view.round?.phase === 'open' || !view.round?.number ? doing.join(', ') : ''}`,
    );
  }
}

let peakMemory = 0;

/**
 * Resident memory of these processes together, bytes; what they share counts for each. 0 where
 * /proc doesn't say.
 */
function memoryOf(pids: readonly number[]): number {
  try {
    return pids.reduce(
      (sum, pid) => sum + Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096,
      0,
    );
  } catch {
    return 0;
  }
}

/**
 * The best model on the held-out pictures, and a page that shows some of them, right and wrong.
 */
async function showHeldout(
  screen: Screen,
  view: StudyView,
  all: readonly Sample[],
  folder: string,
  out: string,
): Promise<void> {
  const best = view.evaluations.find((e) => e.round === view.best?.round)?.heldout;
  const start = view.evaluations.find((e) => e.round === 0)?.heldout.operatingPoint;
  if (!best?.operatingPoint) return;
  screen.doing('predicting the held-out pictures');
  const { threshold } = best.operatingPoint;
  const model = await loadModel(folder);
  const samples = all.filter((sample) => sample.split === 'heldout');
  await useEngine();
  const student = createStudent(model);
  const reader = new InputThread();
  const predictions = await predictSamples(student, samples, { reader });
  await reader.release();
  student.dispose();
  const flagged = flaggedBy(predictions, model.labels, threshold);
  const summary = [
    `On ${predictions.ids.length} held-out pictures ${flaggedText(flagged)}.`,
    ...(start
      ? [
          `The starting model found ${start.found} of ${start.malignant}, with ${start.falseAlarms} false alarms.`,
        ]
      : []),
  ];
  const page = join(out, 'held-out.html');
  await writeFile(
    page,
    await heldoutPage(predictions, flagged, new Map(samples.map((s) => [s.id, s])), {
      names: model.labels.names,
      threshold,
      summary,
    }),
  );
  screen.say('');
  for (const text of summary) screen.say(text);
  screen.say(`Some of them, found, missed and false alarms, to look at: ${relative('.', page)}`);
}

/** What a demo leaves in its folder. */
const LEFT =
  /^(coordinator|clinic-\d+|best|last|(coordinator|(clinic|enrol)-\d+)\.log|held-out\.html)$/;

/**
 * An empty folder, where none or an earlier demo's was.
 * @throws LENTIGO_USAGE it holds something else
 */
async function emptied(out: string): Promise<void> {
  const present = await readdir(out).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  });
  const foreign = present.find((name) => !LEFT.test(name));
  if (foreign !== undefined)
    throw new LentigoError(
      'LENTIGO_USAGE',
      `--out ${out} holds ${foreign}, which is no demo's; give a new or empty folder`,
    );
  await rm(out, { recursive: true, force: true });
  makeFolders(out);
}

interface Started {
  readonly name: string;
  readonly process: ChildProcess;
  readonly log: string;
  /** The first JSON line on stdout that passes. */
  line(passes: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
}

/** Starts `lentigo …`; all it prints goes to the log file. */
function start(name: string, args: readonly string[], log: string): Started {
  const child = spawn(process.execPath, [LENTIGO, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const file = createWriteStream(log);
  child.stderr.pipe(file, { end: false });
  child.stdout.pipe(file, { end: false });
  const lines = createInterface({ input: child.stdout });
  const line = (passes: (line: Record<string, unknown>) => boolean) =>
    new Promise<Record<string, unknown>>((found, failed) => {
      lines.on('line', (text) => {
        const value: unknown = text.startsWith('{') ? JSON.parse(text) : null;
        if (value && passes(value as Record<string, unknown>))
          found(value as Record<string, unknown>);
      });
      child.once('exit', (code) => void ending(name, code, log).then(failed));
    });
  return { name, process: child, log, line };
}

/** Waits for a process that should end by itself, and returns what it printed. */
async function finished({ name, process: child, log }: Started): Promise<string> {
  const code = await new Promise<number | null>((done) => child.once('close', done));
  if (code !== 0) throw await ending(name, code, log);
  return readFile(log, 'utf8');
}

async function ending(name: string, code: number | null, log: string): Promise<LentigoError> {
  const tail = (await stat(log).catch(() => null))
    ? (await readFile(log, 'utf8')).trimEnd().split('\n').slice(-8).join('\n')
    : '';
  const named = /^ {2}(LENTIGO_[A-Z_]+): /m.exec(tail)?.[1];
  return new LentigoError(
    named !== undefined && named in ERRORS ? (named as ErrorCode) : 'LENTIGO_INTERNAL',
    `${name} ended with exit code ${code ?? '?'}; ${log} ends:\n${tail}`,
  );
}

/**
 * What a person sees: results on stdout; on a terminal, one moving line with what is going on and
 * for how long.
 */
class Screen {
  readonly #began = Date.now();
  readonly #line = new MovingLine((text) => process.stderr.write(text));
  #last = '';
  say(text: string): void {
    this.clear();
    process.stdout.write(`${text}\n`);
  }
  row(cells: readonly string[]): void {
    this.say(rowLine(cells));
  }
  doing(text: string): void {
    const seconds = Math.round((Date.now() - this.#began) / 1000);
    if (process.stderr.isTTY)
      this.#line.show(`[${seconds} s] ${text}`.slice(0, process.stderr.columns || 120));
    else if (text.split(':')[0] !== this.#last)
      process.stderr.write(`[${seconds} s] ${text.split(':')[0]}\n`);
    this.#last = text.split(':')[0]!;
  }
  clear(): void {
    this.#line.clear();
  }
}

/**
 * Settings that let three rounds on synthetic lesions fit into the demo's three minutes on two
 * cores.
 */
const SYNTHETIC_PLAN = {
  trainFrom: 'features.7',
  epochs: 4,
  batchSize: 16,
  learningRate: 1e-3,
  variants: 3,
};
const PHOTOGRAPH_PLAN = {
  trainFrom: 'features.5',
  epochs: 3,
  batchSize: 16,
  learningRate: 2e-4,
  variants: 6,
};

try {
  await program.parseAsync();
} catch (thrown) {
  // commander has already printed the reason.
  if (thrown instanceof CommanderError) process.exitCode = thrown.exitCode === 0 ? 0 : 2;
  else {
    const error = commandFailure(thrown);
    process.stderr.write(`${error.message}\n  ${error.code}: ${error.remedy}\n`);
    process.exitCode = error.exitCode;
  }
}
