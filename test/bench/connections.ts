// 300 clinics connected to one coordinator process: how long connecting takes, how long a control
// message takes, and what the coordinator needs.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConsoleClient } from '../../coordinator/console-client.js';
import { createStudy, dataDirectory } from '../support/coordinator.js';
import { type AnnouncedRound, Member } from '../support/member.js';
import { launchCoordinator } from '../support/processes.js';
import { type Benchmark, megabytes, quantile, table } from './benchmark.js';

const CLINICS = 300;
const SECONDS = 20;
/** One message with its answer per second from each clinic, and a report of progress. */
const MESSAGES = CLINICS * SECONDS;
const ENROLLING_AT_ONCE = 10;

export const connections: Benchmark = {
  name: 'connections',
  title: `${CLINICS} connected clinics`,
  command: 'npm run bench -- connections',
  async run(say) {
    const dataDir = await dataDirectory();
    const coordinator = await launchCoordinator(dataDir);
    const members: Member[] = [];
    try {
      const admin = new ConsoleClient(
        coordinator.url,
        (await readFile(join(dataDir, 'admin-token'), 'utf8')).trim(),
      );
      const study = await createStudy(admin, { cohort: { minimum: CLINICS, quorum: CLINICS } });
      say(`enrolling ${CLINICS} clinics`);
      while (members.length < CLINICS) {
        members.push(
          ...(await Promise.all(
            Array.from({ length: ENROLLING_AT_ONCE }, (_, i) =>
              Member.approved(admin, study, `Clinic ${members.length + i}`),
            ),
          )),
        );
      }
      await admin.act(study, 'start');
      const idle = await coordinatorMetrics(coordinator.url);

      say('connecting, all at once');
      const connecting = await Promise.all(
        members.map((member) =>
          timed(async () => {
            const answer = await member.join();
            if (!answer.ok) throw new Error(answer.error.message);
          }),
        ),
      );
      const announcing = performance.now();
      const announcements = await Promise.all(members.map((member) => member.round(1)));
      const announced = performance.now() - announcing;
      const connected = await coordinatorMetrics(coordinator.url);

      say(`${MESSAGES} messages in ${SECONDS} s`);
      const messages = await paced(members, announcements[0]!);
      const after = await coordinatorMetrics(coordinator.url);
      const milliseconds = (name: string, sample: readonly number[]) => [
        name,
        String(sample.length),
        ...[0.5, 0.95, 0.99, 1].map((p) => quantile(sample, p).toFixed(1)),
      ];
      return `One coordinator process, and ${CLINICS} clinics with keys and sockets of their own in another process on the same machine: what the clinics' side computes (signatures, JSON) is in these times too. All connect in the same moment, as after a restart of the coordinator: WebSocket, mutual challenge, Ed25519 at both ends; the round opens with the last of them, and its signed announcement had reached all ${CLINICS} ${announced.toFixed(0)} ms after the last proof. Then each clinic asks for an upload ticket and reports progress once a second, evenly spread, for ${SECONDS} s; a control message is a ticket's request and its answer.

${table(['milliseconds', 'n', 'p50', 'p95', 'p99', 'max'], [milliseconds('connect and prove', connecting), milliseconds('control message', messages)])}

${table(
  ['coordinator', 'before', 'while connecting', 'with messages'],
  [
    ['resident memory, MB', ...[idle, connected, after].map((m) => megabytes(m.memory))],
    ['event loop delay p99, ms', '', ...[connected, after].map((m) => m.delay.toFixed(1))],
  ],
)}

Event loop delay is what a timer of ${LAG_RESOLUTION_MS} ms came late, from \`/metrics\`.`;
    } finally {
      for (const member of members) member.close();
      await coordinator.kill('SIGTERM');
      await rm(dataDir, { recursive: true });
    }
  },
};

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/**
 * Sends from each member in turn, at even intervals, whether or not answers have arrived.
 * @returns the times of the answers, ms
 */
async function paced(members: readonly Member[], announcement: AnnouncedRound): Promise<number[]> {
  const { round, attempt } = announcement;
  const update = new Uint8Array(100);
  const answers: Promise<number>[] = [];
  const began = performance.now();
  while (answers.length < MESSAGES) {
    const due = ((performance.now() - began) / 1000) * CLINICS;
    while (answers.length < Math.min(due, MESSAGES)) {
      const member = members[answers.length % members.length]!;
      member.tell('progress', { round, attempt, phase: 'training', fraction: 0.5 });
      answers.push(
        timed(async () => {
          const ticket = await member.ticket(announcement, update);
          if (!ticket.ok) throw new Error(ticket.error.message);
        }),
      );
    }
    await sleep(1);
  }
  return Promise.all(answers);
}

/** Resolution of prom-client's timer. */
const LAG_RESOLUTION_MS = 10;

/** Memory in bytes, and the event loop's delay since the last call in ms. */
async function coordinatorMetrics(url: string): Promise<{ memory: number; delay: number }> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  return {
    memory: value('process_resident_memory_bytes'),
    delay: Math.max(0, value('nodejs_eventloop_lag_p99_seconds') * 1000 - LAG_RESOLUTION_MS),
  };
}
