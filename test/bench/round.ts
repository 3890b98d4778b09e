// Where the seconds and bytes of a round go: a coordinator and three agents in their own processes,
// the real EfficientNet-B0, few images.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { enrolHome } from '../../client/agent/home.js';
import { surveyEngines } from '../../common/engine/engine.node.js';
import { encodeModel } from '../../common/model/encoding.js';
import { loadModel } from '../../common/model/folder.node.js';
import { parseInvitation } from '../../common/protocol/enrolment.js';
import { StudyConfig } from '../../common/protocol/study.js';
import { ConsoleClient } from '../../coordinator/console-client.js';
import { studyUntil, temporaryFolder } from '../support/coordinator.js';
import { launch, launchCoordinator, type Line, type Running } from '../support/processes.js';
import { PACKAGE_ROOT } from '../support/shared-data.js';
import { type Benchmark, median, megabytes, table } from './benchmark.js';

const CLINICS = 3;
const IMAGES = 48;
const EVALUATED = 120;
const ROUNDS = 3;
const TRAINING = { trainFrom: 'features.6', epochs: 2, batchSize: 8 };

export const round: Benchmark = {
  name: 'round',
  title: 'A round: where the time and the bytes go',
  command: 'npm run bench -- round',
  async run(say) {
    const engine = (await surveyEngines()).find((e) => e.available)!.name;
    const env = { LENTIGO_ENGINE: engine };
    const folder = await temporaryFolder();
    const agents: Running[] = [];
    say('starting a coordinator and three agents');
    const dataDir = join(folder, 'coordinator');
    const coordinator = await launchCoordinator(dataDir, [], { env });
    try {
      const admin = new ConsoleClient(
        coordinator.url,
        (await readFile(join(dataDir, 'admin-token'), 'utf8')).trim(),
      );
      const start = await admin.uploadModel(
        encodeModel(await loadModel(join(PACKAGE_ROOT, 'models', 'start'))),
      );
      const config = StudyConfig.parse({
        name: 'Benchmark',
        model: 'models/start',
        rounds: ROUNDS,
        training: TRAINING,
        cohort: { minimum: CLINICS, quorum: CLINICS, deadlineSeconds: 3600 },
        evaluation: { data: `synthetic:site=1&images=${EVALUATED}&seed=9` },
      });
      const { id } = await admin.createStudy({ config, start });
      for (let k = 1; k <= CLINICS; k++) {
        const home = join(folder, `clinic-${k}`);
        const { enrolment } = await enrolHome(
          parseInvitation((await admin.invite(id, `Clinic ${k}`, 1)).invitation),
          home,
          `Clinic ${k}`,
        );
        await admin.decide(id, enrolment.clinic, 'approve');
        agents.push(
          launch(
            [
              'clinic',
              'run',
              '--home',
              home,
              '--data',
              `synthetic:site=${k}&images=${IMAGES}&seed=${k}&split=train`,
              '--json',
            ],
            { env },
          ),
        );
      }
      say('running the study');
      await admin.act(id, 'start');
      const view = await studyUntil(admin, id, ({ status }) => status === 'completed', 900);
      await Promise.all(agents.map((agent) => agent.ended));

      const numbers = Array.from({ length: ROUNDS }, (_, i) => i + 1);
      /** The median over clinics of the sum of a field in a round's events of one kind. */
      const ofClinics = (field: string, event: string, number: number) =>
        median(
          agents.map((agent) =>
            sum(
              agent.lines.filter((l) => l['event'] === event && l['round'] === number),
              field,
            ),
          ),
        );
      const logged = (message: string, number: number) =>
        coordinator.lines
          .filter((l) => l['msg'] === message && l['round'] === number)
          .map((l) => Number(l['ms']) / 1000);
      const seconds = (name: string, of: (number: number) => number) => [
        name,
        ...numbers.map((n) => of(n).toFixed(2)),
      ];
      const bytes = (name: string, of: (number: number) => number) => [
        name,
        ...numbers.map((n) => megabytes(of(n))),
      ];
      const closed = (number: number) =>
        view.rounds.find((r) => r.number === number && r.phase === 'closed')!;
      return `A coordinator and ${CLINICS} agents, each a process of its own on this one machine, embedded database; EfficientNet-B0 trained from ${TRAINING.trainFrom}, ${TRAINING.epochs} epochs over ${IMAGES} synthetic images at each clinic, engine ${engine}, int8 updates; ${EVALUATED} images to evaluate. A clinic's steps are the median over the clinics. The first round also brings the starting model, and computes the frozen blocks' features at the clinics; the coordinator computed its own when it evaluated the starting model, before the first round.

${table(
  ['seconds', ...numbers.map((n) => `round ${n}`)],
  [
    seconds('clinic: download', (n) => ofClinics('seconds', 'downloaded', n)),
    seconds('clinic: training', (n) => ofClinics('seconds', 'trained', n)),
    seconds('clinic: encoding and sealing', (n) => ofClinics('seconds', 'sealed', n)),
    seconds('clinic: upload', (n) => ofClinics('seconds', 'uploaded', n)),
    seconds('coordinator: opening and checking one update', (n) =>
      median(logged('update checked', n)),
    ),
    seconds('coordinator: aggregation', (n) => median(logged('updates aggregated', n))),
    seconds('coordinator: evaluation', (n) => median(logged('model evaluated', n))),
    seconds('whole round', (n) => (closed(n).closedAt! - closed(n).openedAt!) / 1000),
  ],
)}

${table(
  ['MB', ...numbers.map((n) => `round ${n}`)],
  [
    bytes('down, to one clinic', (n) => ofClinics('bytes', 'downloaded', n)),
    bytes('up, from one clinic', (n) => ofClinics('bytes', 'uploaded', n)),
    bytes('down, to all', (n) => closed(n).bytesDown),
    bytes('up, from all', (n) => closed(n).updates.reduce((all, update) => all + update.bytes, 0)),
  ],
)}`;
    } finally {
      for (const process of [...agents, coordinator]) await process.kill('SIGTERM');
      await rm(folder, { recursive: true });
    }
  },
};

const sum = (lines: readonly Line[], field: string): number =>
  lines.reduce((all, line) => all + Number(line[field]), 0);
