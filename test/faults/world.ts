// A coordinator process and agents with homes of their own, in one folder: copied before the study
// starts, the copy runs the same study undisturbed, with the same keys and seeds.
import { cp, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { enrolHome } from '../../client/agent/home.js';
import { parseInvitation } from '../../common/protocol/enrolment.js';
import type { StudyView } from '../../common/protocol/console.js';
import { ConsoleClient } from '../../coordinator/console-client.js';
import {
  createStudy,
  dataDirectory,
  studyUntil,
  temporaryFolder,
  type StudyChanges,
} from '../support/coordinator.js';
import {
  launch,
  launchCoordinator,
  type LaunchOptions,
  type Running,
} from '../support/processes.js';

export interface Agent {
  readonly clinic: string;
  readonly runs: Running[];
  start(): Running;
}

export class World {
  readonly folder: string;
  readonly study: string;
  readonly admin: ConsoleClient;
  readonly port: string;
  readonly agents: readonly Agent[];
  readonly #options: LaunchOptions;
  coordinator: Running | undefined;

  private constructor(
    folder: string,
    study: string,
    admin: ConsoleClient,
    port: string,
    clinics: readonly string[],
    options: LaunchOptions,
  ) {
    this.folder = folder;
    this.study = study;
    this.admin = admin;
    this.port = port;
    this.#options = options;
    this.agents = clinics.map((clinic, i) => {
      const runs: Running[] = [];
      const start = () => {
        const run = launch([
          'clinic',
          'run',
          '--home',
          join(folder, `home-${i}`),
          '--data',
          `synthetic:site=1&images=${12 + i * 12}&seed=${i + 1}&size=64&split=train`,
          '--json',
        ]);
        runs.push(run);
        return run;
      };
      return { clinic, runs, start };
    });
  }

  /**
   * A drafted study with approved clinics; the coordinator runs, the agents don't. `address`: what
   * clinics are told, where it differs.
   */
  static async make(
    clinics: number,
    changes: StudyChanges,
    options: LaunchOptions = {},
    address?: (url: string) => Promise<string>,
  ): Promise<World> {
    const folder = await temporaryFolder();
    const data = await dataDirectory();
    await cp(data, join(folder, 'coordinator'), { recursive: true });
    await rm(data, { recursive: true });
    const coordinator = await launchCoordinator(join(folder, 'coordinator'), [], options);
    const admin = new ConsoleClient(
      coordinator.url,
      (await readFile(join(folder, 'coordinator', 'admin-token'), 'utf8')).trim(),
    );
    const study = await createStudy(admin, changes);
    const ids: string[] = [];
    for (let i = 0; i < clinics; i++) {
      const home = join(folder, `home-${i}`);
      await mkdir(home, { mode: 0o700 });
      const invitation = parseInvitation((await admin.invite(study, `Clinic ${i}`, 1)).invitation);
      const { enrolment } = await enrolHome(
        address ? { ...invitation, url: await address(invitation.url) } : invitation,
        home,
        `Clinic ${i}`,
      );
      await admin.decide(study, enrolment.clinic, 'approve');
      ids.push(enrolment.clinic);
    }
    const world = new World(folder, study, admin, new URL(coordinator.url).port, ids, options);
    world.coordinator = coordinator;
    return world;
  }

  /** The same, to be run when this one has ended: it takes the same port. */
  async copy(): Promise<World> {
    await this.coordinator!.kill('SIGTERM');
    const folder = await temporaryFolder();
    await cp(this.folder, folder, { recursive: true });
    await this.startCoordinator();
    return new World(
      folder,
      this.study,
      this.admin,
      this.port,
      this.agents.map((a) => a.clinic),
      this.#options,
    );
  }
  async startCoordinator(): Promise<Running> {
    return (this.coordinator = await launchCoordinator(
      join(this.folder, 'coordinator'),
      ['--port', this.port],
      this.#options,
    ));
  }
  completed(seconds = 120): Promise<StudyView> {
    return studyUntil(this.admin, this.study, (v) => v.status === 'completed', seconds);
  }

  /**
   * What was counted, by the audit log: the update of each round and clinic, and the model of each
   * round.
   */
  async outcome(): Promise<{
    counted: string[];
    models: string[];
    refused: unknown[];
    chain: boolean;
  }> {
    const { chain, entries } = await this.admin.audit(this.study);
    const of = (action: string) =>
      entries.filter((e) => e.action === action).map((e) => e.detail as Record<string, unknown>);
    return {
      counted: of('update')
        .map((d) => `${String(d['round'])}/${String(d['clinic'])}`)
        .toSorted(),
      models: of('aggregated').map((d) => String(d['result'])),
      refused: of('update-refused'),
      chain: chain.ok,
    };
  }
  /** Every clinic once in every round. */
  expected(rounds: number): string[] {
    return this.agents
      .flatMap(({ clinic }) => Array.from({ length: rounds }, (_, r) => `${r + 1}/${clinic}`))
      .toSorted();
  }

  async close(): Promise<void> {
    await Promise.all(this.agents.flatMap((a) => a.runs.map((r) => r.kill('SIGKILL'))));
    await this.coordinator?.kill('SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }
}

/**
 * Runs a world undisturbed to its end.
 * @returns its models, round by round
 */
export async function undisturbed(world: World): Promise<string[]> {
  await world.startCoordinator();
  for (const agent of world.agents) agent.start();
  await world.admin.act(world.study, 'start');
  await world.completed();
  const { models } = await world.outcome();
  await world.close();
  return models;
}
