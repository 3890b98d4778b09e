// The study that the README shows, typed as it stands on three terminals over TLS, with its
// placeholders filled in and smaller numbers; and the pages for study coordinators and clinics.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { saveModel } from '../../common/model/folder.node.js';
import { parseStudyYaml } from '../../common/protocol/study.js';
import { dataDirectory, EVALUATION_DATA, nano, temporaryFolder } from '../support/coordinator.js';
import { freePort } from '../support/free-port.js';
import { type Block, filled, typedOf } from './blocks.js';
import { photograph } from './photograph.js';
import { readSource } from './sources.js';
import { Terminal, type Typed } from './terminal.js';

// Some thirty processes, one after the other: half a minute here, more beside other work.
vi.setConfig({ testTimeout: 300_000 });

const SMALL = (site: number) => `synthetic:site=${site}&images=12&seed=${site}&size=64&split=train`;

/** An invitation is the longest word that is printed. */
const invitationIn = (printed: string): string =>
  printed.split(/\s+/).toSorted((a, b) => b.length - a.length)[0]!;

const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!hasOpenssl)(
  `the study on two machines${hasOpenssl ? '' : ' (skipped: no openssl)'}`,
  () => {
    const [certificate, coordinate, create, enrol, approve, results] = typedOf('README.md');
    let folder: string;
    const terminals: Terminal[] = [];
    let desk: Terminal;
    let port: number;
    /** What the placeholders stand for, as far as it was printed. */
    const said: Record<string, string> = {};
    const invitations: string[] = [];
    const fingerprints: string[] = [];
    const agents: Typed[] = [];
    const at = (...path: string[]) => join(folder, ...path);
    const typeAll = async (block: Block | undefined, values = said): Promise<string[]> => {
      const printed = [];
      for (const command of block!.commands) printed.push(await desk.type(filled(command, values)));
      return printed;
    };
    const open = async (name: string): Promise<Terminal> => {
      await mkdir(at(name), { recursive: true });
      const terminal = await Terminal.open(at(name), { NODE_EXTRA_CA_CERTS: at('desk/cert.pem') });
      terminals.push(terminal);
      return terminal;
    };
    const fingerprintOf = (printed: string): string =>
      /^ {4}((?:[0-9a-f]{4} ){7}[0-9a-f]{4})$/m.exec(printed)![1]!;

    beforeAll(async () => {
      folder = await temporaryFolder();
      desk = await open('desk');
      await rename(await dataDirectory(), at('desk/lentigo-data'));
      await saveModel(at('desk/models/start'), nano());
      await photograph(at('desk/photo.jpg'));
      port = await freePort();
      said['https://coordinator.example:8460'] = `https://localhost:${port}`;
    });
    afterAll(async () => {
      await Promise.all(terminals.map((terminal) => terminal.close()));
      await rm(folder, { recursive: true });
    });

    it('the coordinator listens with its certificate', async () => {
      for (const command of certificate!.commands)
        await desk.type(command.replaceAll('coordinator.example', 'localhost'));
      const command = coordinate!.commands[0]!;
      const running = desk.start(`${filled(command, said)} --port ${port}`);
      for (let i = 0; !running.output().includes(`https://localhost:${port}`); i++) {
        if (i > 300) throw new Error(running.output());
        await sleep(100);
      }
    });

    it('study.yaml, as it is shown, makes a study, and two clinics are invited', async () => {
      const yaml = /```yaml\n([^]*?)```/.exec(readSource('README.md'))![1]!;
      const study = parseStudyYaml(yaml);
      // smaller than it says, so that it takes seconds
      const small = yaml
        .replace('rounds: 10', 'rounds: 2')
        .replace(study.training.trainFrom, 'features.3')
        .replace(study.evaluation.data, EVALUATION_DATA);
      expect(parseStudyYaml(small)).toMatchObject({ rounds: 2, cohort: { minimum: 2 } });
      await writeFile(at('desk/study.yaml'), small);
      for (const command of create!.commands) {
        const printed = await desk.type(filled(command, said));
        if (command.includes('study create'))
          said['ID'] = /[0-9a-f]{8}(?:-[0-9a-f]{4,12}){4}/.exec(printed)![0];
        else if (command.includes('study invite')) invitations.push(invitationIn(printed));
      }
      const again = create!.commands.at(-1)!.replace('North', 'South');
      invitations.push(invitationIn(await desk.type(filled(again, said))));
    });

    it('each clinic enrols and takes part, one by the README, one by its own page', async () => {
      const own = typedOf('docs/clinic.md').find((b) => b.commands[0]!.includes('enrol'))!;
      for (const [i, [name, block]] of [
        ['North', enrol!] as const,
        ['South', own] as const,
      ].entries()) {
        const terminal = await open(name);
        const values = { DIR: `'${SMALL(i + 1)}'`, INVITATION: invitations[i]! };
        const [first, second] = block.commands.map((c) =>
          filled(c, values).replace('Clinic North', `Clinic ${name}`),
        );
        fingerprints.push(fingerprintOf(await terminal.type(first!)));
        agents.push(terminal.start(second!));
      }
    });

    it('the study coordinator compares, approves both and starts', async () => {
      const [show, letIn, start] = approve!.commands;
      const shown = await desk.type(filled(show!, said));
      for (const fingerprint of fingerprints) {
        expect(shown).toContain(fingerprint);
        await desk.type(filled(letIn!, { ...said, FINGERPRINT: `'${fingerprint}'` }));
      }
      await desk.type(filled(start!, said));
      expect(await Promise.all(agents.map((agent) => agent.ended))).toEqual([0, 0]);
    });

    it('in the end there are rounds, an audit log, a model and its prediction', async () => {
      const [shown, audit, , predicted] = await typeAll(results);
      expect(shown).toContain('completed: all 2 rounds are done');
      expect(audit).toMatch(/The chain of \d+ entries is whole/);
      expect(predicted).toMatch(/BCC/);
      const status = typedOf('docs/clinic.md').find((b) => b.commands[0]!.includes('status'))!;
      expect(await terminals[1]!.type(status.commands[0]!)).toContain('Clinic North');
    });

    it('the other commands of the study page do what they say', async () => {
      const [comesIn, rounds, , outcome] = typedOf('docs/study.md');
      await rm(at('desk/best'), { recursive: true }); // a model is not written over unasked
      await typeAll(outcome);
      expect(existsSync(at('desk/last/model.safetensors'))).toBe(true);
      // A second study, of the page's own study.yaml.
      const yaml = /```yaml\n([^]*?)```/.exec(readSource('docs/study.md'))![1]!;
      const study = parseStudyYaml(yaml);
      await writeFile(
        at('desk/study.yaml'),
        `${yaml.replace(study.evaluation.data, EVALUATION_DATA)}training: { trainFrom: classifier }\n`,
      );
      const [created, invite, show, letIn] = comesIn!.commands;
      const printed = await desk.type(filled(created!, said));
      const own = { ...said, ID: /[0-9a-f]{8}(?:-[0-9a-f]{4,12}){4}/.exec(printed)![0] };
      const INVITATION = invitationIn(await desk.type(filled(invite!, own)));
      const third = await open('Third');
      const FINGERPRINT = fingerprintOf(
        await third.type(`npx lentigo clinic enrol ${INVITATION} --home clinic-home`),
      );
      expect(await desk.type(filled(show!, own))).toContain(FINGERPRINT);
      await desk.type(filled(letIn!, own));
      const [, , , , listed] = await typeAll(rounds, own);
      expect(listed).toMatch(new RegExp(`${own.ID}\\s+stopped`));
    });
  },
);
