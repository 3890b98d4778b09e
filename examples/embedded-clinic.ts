// A clinic inside a program: it enrols, takes part with samples of the program's own, and hears
// what happens. The coordinator runs in the same program here; in a study it is elsewhere, and
// sends the invitation.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createModel, LABEL_SETS, openDataset } from 'lentigo';
import { Clinic } from 'lentigo/clinic';
import { startCoordinator } from 'lentigo/coordinator';

const folder = await mkdtemp(join(tmpdir(), 'lentigo-example-'));
const coordinator = await startCoordinator({ dataDir: join(folder, 'coordinator') });
try {
  // What the study coordinator does.
  const study = await coordinator.createStudy({
    name: 'Embedded',
    model: createModel({ architecture: 'nano', labels: LABEL_SETS['pad-ufes'] }),
    rounds: 2,
    training: { trainFrom: 'classifier', epochs: 1, variants: 1, learningRate: 1e-3 },
    cohort: { minimum: 1, quorum: 1 },
    evaluation: { data: 'synthetic:site=1&images=24&size=64' },
  });
  const { invitation } = await coordinator.console.invite(study, 'Clinic North', 1);

  // What the clinic does. Any samples will do, as long as their labels are the study's.
  const home = join(folder, 'clinic');
  const clinic = await Clinic.enrol({ invitation, home, name: 'Clinic North' });
  console.log(`${clinic.name} is enrolled in "${clinic.study.name}"`);
  const data = await openDataset('synthetic:site=1&images=12&size=64&split=train', {
    labels: clinic.labels,
  });
  const over = clinic.takePart({
    data,
    onEvent(event) {
      if (event.event === 'trained')
        console.log(`round ${event.round}: trained on ${event.samples} images`);
      if (event.event === 'receipt') console.log(`round ${event.round}: sent ${event.bytes} bytes`);
    },
  });

  // The study coordinator again, who has compared the fingerprint by telephone.
  await coordinator.console.decide(study, clinic.id, 'approve');
  await coordinator.console.act(study, 'start');

  console.log(`the study is ${await over}`);
  for (const { round, sha256 } of await clinic.sent())
    console.log(`round ${round}: the coordinator has taken ${sha256.slice(0, 16)}…`);
  const { best } = await coordinator.console.study(study);
  console.log(`the best round is ${best?.round}`);
} finally {
  await coordinator.close();
  await rm(folder, { recursive: true, force: true });
}
