// Settings: the clinic's identity, appearance, storage, export, passphrase, engines, deletion.
import {
  Button,
  Group,
  Paper,
  SegmentedControl,
  Stack,
  Text,
  Title,
  useMantineColorScheme,
} from '@mantine/core';
import { IconDeviceMobileDown, IconDownload, IconLock } from '@tabler/icons-react';
import { type ReactNode, useEffect, useState } from 'react';
import type { EngineReport } from '../../../common/engine/engine.js';
import { DeleteEverything } from '../parts/delete-everything.js';
import { ErrorNote } from '../parts/error-note.js';
import { Fingerprint } from '../parts/fingerprint.js';
import { Page } from '../parts/page.js';
import { PassphraseForm } from '../parts/passphrase-form.js';
import { Privacy } from '../parts/privacy.js';
import { useTask } from '../parts/use-task.js';
import { exportZip } from '../photographs/export-zip.js';
import { IDLE_MINUTES, lock, useApp, useSession } from '../session/app-state.js';
import { install, useInstallable } from '../session/install.js';
import { trainingWorker } from '../session/training.js';
import { size } from '../strings/format.js';
import { STRINGS } from '../strings/index.js';

const text = STRINGS.settings;

export function SettingsPage() {
  const { clinic } = useSession();
  const vault = useApp((app) => app.vault!);
  const [changed, setChanged] = useState(false);
  const installable = useInstallable();
  return (
    <Page title={text.title} width={720}>
      {clinic && (
        <Section title={text.study}>
          <Fact name={text.study} value={clinic.enrolment.studyName} />
          <Fact name={text.coordinator} value={new URL(clinic.enrolment.url).host} />
          <Fact name={text.clinic} value={clinic.enrolment.name} />
          <Fingerprint clinic={clinic.enrolment.clinic} />
        </Section>
      )}
      {installable && (
        <Section title={text.install}>
          <Text size="sm" c="dimmed">
            {text.installHint}
          </Text>
          <Button
            variant="default"
            leftSection={<IconDeviceMobileDown size={20} aria-hidden />}
            onClick={() => void install()}
          >
            {text.install}
          </Button>
        </Section>
      )}
      <Section title={text.appearance}>
        <Appearance />
      </Section>
      <Section title={text.storage}>
        <Storage />
        <Export />
      </Section>
      <Section title={text.passphrase}>
        <Text size="sm" c="dimmed">
          {text.lockHint(IDLE_MINUTES)}
        </Text>
        <Button variant="default" leftSection={<IconLock size={18} aria-hidden />} onClick={lock}>
          {text.lock}
        </Button>
        <PassphraseForm
          withOld
          button={text.passphrase}
          onSubmit={async (next, old) => {
            setChanged(false);
            await vault.changePassphrase(old, next);
            setChanged(true);
          }}
        />
        {changed && (
          <Text size="sm" aria-live="polite">
            {text.changed}
          </Text>
        )}
      </Section>
      <Section title={text.engines}>
        <Engines />
      </Section>
      <Section title={text.privacy}>
        <Privacy />
      </Section>
      <Section title={text.deleteAll}>
        <Text size="sm" c="dimmed">
          {text.deleteAllText}
        </Text>
        <DeleteEverything />
      </Section>
      <Text size="sm" c="dimmed" ta="center">
        {STRINGS.notice}
      </Text>
    </Page>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper withBorder p="lg" component="section" aria-label={title}>
      <Title order={2} mb="md">
        {title}
      </Title>
      <Stack align="stretch">{children}</Stack>
    </Paper>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <Group justify="space-between" gap="xs">
      <Text c="dimmed">{name}</Text>
      <Text fw={500}>{value}</Text>
    </Group>
  );
}

function Appearance() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <SegmentedControl
      aria-label={text.appearance}
      value={colorScheme}
      onChange={(value) => setColorScheme(value)}
      data={(['light', 'dark', 'auto'] as const).map((value) => ({
        value,
        label: text.schemes[value],
      }))}
    />
  );
}

function Storage() {
  const [used, setUsed] = useState<number>();
  const [kept, setKept] = useState<'asked' | 'yes' | 'no'>('asked');
  useEffect(
    () =>
      void (async () => {
        setUsed((await navigator.storage?.estimate())?.usage);
        setKept((await navigator.storage?.persisted()) ? 'yes' : 'asked');
      })(),
    [],
  );
  return (
    <>
      {used !== undefined && <Text>{text.used(size(used))}</Text>}
      {kept === 'asked' ? (
        <Button
          variant="default"
          onClick={() =>
            void navigator.storage.persist().then((yes) => setKept(yes ? 'yes' : 'no'))
          }
        >
          {text.persist}
        </Button>
      ) : (
        <Text size="sm" c="dimmed">
          {kept === 'yes' ? text.persisted : text.notPersisted}
        </Text>
      )}
    </>
  );
}

function Export() {
  const { collection } = useSession();
  const { busy, error, run } = useTask();
  const save = async () => {
    const url = URL.createObjectURL(await exportZip(collection));
    const link = Object.assign(document.createElement('a'), {
      href: url,
      download: `lentigo-photographs-${new Date().toISOString().slice(0, 10)}.zip`,
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  };
  return (
    <>
      <Text size="sm" c="dimmed">
        {text.exportHint}
      </Text>
      <Button
        variant="default"
        loading={busy}
        leftSection={<IconDownload size={20} aria-hidden />}
        onClick={() => void run(save)}
      >
        {text.export}
      </Button>
      <ErrorNote error={error} />
    </>
  );
}

function Engines() {
  const [engines, setEngines] = useState<readonly EngineReport[]>();
  const { busy, error, run } = useTask();
  return (
    <>
      {engines?.map(({ name, chosen, reason }) => (
        <div key={name}>
          <Text fw={500}>
            {name}
            {chosen ? ` (${text.chosen})` : ''}
          </Text>
          <Text size="sm" c="dimmed">
            {reason}
          </Text>
        </div>
      ))}
      {!engines && (
        <Button
          variant="default"
          loading={busy}
          onClick={() => void run(async () => setEngines((await trainingWorker()).engines))}
        >
          {text.engineCheck}
        </Button>
      )}
      <ErrorNote error={error} />
    </>
  );
}
