// Every step of docker-compose.yml, read from the file and run by hand: building the image,
// starting the services in order with their health checks, and a study of two clinics through the
// proxy.
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../../common/dataset/open.node.js';
import { loadModel } from '../../common/model/folder.node.js';
import { StudyView } from '../../common/protocol/console.js';
import { temporaryFolder } from '../support/coordinator.js';
import { writeStudy } from '../support/study-files.js';
import { readCompose, readDockerfile } from './compose.js';
import { buildImage, type Container, Sandboxes, whyNoSandbox } from './sandbox.js';

const skipped = whyNoSandbox();
if (skipped) console.warn(`skipped: the steps of docker-compose.yml (${skipped})`);

/** Photographs laid out like the published PAD-UFES-20, readable for everybody. */
async function photographs(folder: string): Promise<void> {
  mkdirSync(folder);
  const { samples } = await openDataset('synthetic:site=2&images=12&seed=2&size=64&split=train');
  for (const [i, sample] of samples.entries()) {
    const { width, height, data } = await sample.load();
    await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(join(folder, `PAT_${i}.png`));
  }
  writeFileSync(
    join(folder, 'metadata.csv'),
    [
      'patient_id,img_id,diagnostic,split',
      ...samples.map(({ label }, i) => `PAT_${i},PAT_${i}.png,${label},train`),
      '',
    ].join('\n'),
  );
}

describe.skipIf(skipped !== undefined)(
  `the steps of docker-compose.yml${skipped ? ` (skipped: ${skipped})` : ''}`,
  () => {
    let folder: string;
    let run: Sandboxes;
    let coordinator: Container;
    const clinics: Record<string, Container> = {};
    /** Only to make the test quick: small pictures, and the engine that starts fastest. */
    const small = {
      LENTIGO_ENGINE: 'wasm',
      LENTIGO_SYNTHETIC: 'synthetic:site=1&images=12&seed=1&size=64&split=train',
    };
    const study = async (...args: string[]): Promise<string> => {
      const { code, output } = await run.exec('coordinator', 'lentigo', 'study', ...args);
      if (code !== 0) throw new Error(`study ${args[0]} ended with ${code}: ${output}`);
      return output;
    };
    const show = async (id: string) =>
      StudyView.parse(JSON.parse(await study('show', id, '--json')));

    beforeAll(async () => {
      folder = await temporaryFolder();
      chmodSync(folder, 0o755);
      const at = (name: string) => join(folder, name);
      await writeStudy(at('study'));
      await photographs(at('photographs'));
      const compose = readCompose({
        POSTGRES_PASSWORD: 'p@ss/w:rd #1',
        LENTIGO_STUDY: at('study'),
        SOUTH_PHOTOGRAPHS: at('photographs'),
      });
      const image = readDockerfile();
      run = new Sandboxes(folder, compose, image, buildImage(folder, image));
    }, 300_000); // compiles everything
    afterAll(async () => {
      await run.down();
      rmSync(folder, { recursive: true });
    });

    it('the image contains what runs, and nothing that only builds or tests', async () => {
      const { code, output } = await run.exec(
        'coordinator',
        'sh',
        '-c',
        'id -u; lentigo --version; touch /app/x; ls /app/node_modules /app/dist',
      );
      expect([code, output]).toEqual([0, expect.stringMatching(/^1000\n\d+\.\d+\.\d+\n/)]);
      expect(output).toContain('Read-only file system');
      const names = output.split('\n');
      expect(names).toEqual(expect.arrayContaining(['socket.io', 'cli.js']));
      for (const name of ['typescript', 'vitest', 'prisma', 'test'])
        expect(names).not.toContain(name);
    });

    it('PostgreSQL, coordinator and proxy become healthy in their order, each before the next starts', async () => {
      for (const name of ['postgres', 'coordinator', 'proxy']) {
        expect((await run.check(name)).code).not.toBe(0);
        const container = run.up(name, name === 'coordinator' ? { LENTIGO_ENGINE: 'wasm' } : {});
        await run.healthy(name);
        if (name === 'coordinator') coordinator = container;
      }
      expect(coordinator.output()).toMatch(
        /"url":"https:\/\/lentigo\.localhost".*"database":"server"/,
      );
      expect((await run.up('authority').ended).code).toBe(0);
    });

    it("the clinics get the certificate of the proxy's authority, so that they trust the proxy, and never its key", async () => {
      const files = readdirSync(run.volume('authority'));
      expect(files).toEqual(['ca.pem']);
      expect(readFileSync(join(run.volume('authority'), 'ca.pem'), 'utf8')).toMatch(
        /^-----BEGIN CERTIFICATE-----/,
      );
      expect(readFileSync(join(run.volume('authority'), 'ca.pem'), 'utf8')).not.toContain('KEY');
      const fetched = async (path: string, shell = '') =>
        (
          await run.exec(
            'north',
            'sh',
            '-c',
            `${shell} node -e "fetch('https://lentigo.localhost${path}').then((a) => console.log(a.status), (e) => console.log(e.cause.code))"`,
          )
        ).output.trim();
      expect([
        await fetched('/healthz'),
        await fetched('/metrics'),
        await fetched('/healthz', 'unset NODE_EXTRA_CA_CERTS;'),
      ]).toEqual(['200', '404', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY']);
    });

    it('a clinic without an invitation says what it needs; with one it enrols once, and a study runs to its end although the coordinator is killed', async () => {
      expect(await run.up('north', small).ended).toEqual({
        code: 2,
        output: expect.stringContaining('LENTIGO_INVITATION') as string,
      });
      const { id } = JSON.parse(await study('create', '/study/study.yaml', '--json')) as {
        id: string;
      };
      await Promise.all(
        ['north', 'south'].map(async (name) => {
          const { invitation } = JSON.parse(
            await study('invite', id, '--clinic', name, '--json'),
          ) as { invitation: string };
          clinics[name] = run.up(name, { ...small, LENTIGO_INVITATION: invitation });
          await clinics[name].prints('Waiting to be approved');
          expect(statSync(join(run.volume(name), 'identity.json')).mode & 0o777).toBe(0o600);
        }),
      );
      expect(clinics['north']!.output()).toMatch(/^12 photographs of \d+ patients in synthetic:/m);
      expect(clinics['south']!.output()).toMatch(
        /^12 photographs of \d+ patients in \/photographs: /m,
      );
      // When stopped, it ends its agent first. Restarted, it doesn't enrol again and needs no
      // invitation.
      expect(await clinics['north']!.stop()).toEqual({
        code: 0,
        output: expect.stringContaining('Stopped; nothing is lost') as string,
      });
      clinics['north'] = run.up('north', small);
      await Promise.all(
        (await show(id)).clinics.map(({ id: clinic }) => study('approve', id, clinic)),
      );
      await study('start', id);
      await clinics['north'].prints('Round 1: trained');
      await coordinator.kill();
      coordinator = run.up('coordinator', { LENTIGO_ENGINE: 'wasm' });
      // After the study the containers keep running, because an engine would otherwise restart them
      // again and again.
      await Promise.all(
        Object.values(clinics).map((clinic) => clinic.prints('nothing left to do', 90)),
      );
      const view = await show(id);
      expect([
        view.status,
        view.rounds.filter((r) => r.phase === 'closed').map((r) => r.updates.length),
      ]).toEqual(['completed', [0, 2, 2]]); // round 0 is the starting model
      for (const clinic of Object.values(clinics))
        expect(clinic.output()).toMatch(/Round 2: receipt[^]*The study is completed/);
      await study('model', id, '--out', '/data/best');
      expect((await loadModel(join(run.volume('coordinator'), 'best'))).architecture).toBe('nano');
    });
  },
);
