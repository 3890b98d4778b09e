// One study: its state and its actions, and below them its tabs.
import { Anchor, Button, Group, Modal, Stack, Tabs, Text, Title } from '@mantine/core';
import { useDisclosure, useDocumentTitle } from '@mantine/hooks';
import {
  IconChartLine,
  IconChevronLeft,
  IconDownload,
  IconHistory,
  IconLayoutDashboard,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerStop,
  IconUsers,
} from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import type { LiveStudy, StudyAction } from '../../../common/protocol/console.js';
import { api } from '../api.js';
import { useLiveStudy } from '../live.js';
import { Offline } from '../offline.js';
import { reasonText } from '../reason.js';
import { strings } from '../strings/index.js';
import { attempt, Loading, Problem, StatusBadge } from '../ui.js';
import { AuditLog } from './audit-log.js';
import { Clinics } from './clinics.js';
import { Downloads } from './downloads.js';
import { Overview } from './overview.js';
import { Results } from './results.js';

const TABS = {
  overview: IconLayoutDashboard,
  results: IconChartLine,
  clinics: IconUsers,
  audit: IconHistory,
  downloads: IconDownload,
} as const;
type Tab = keyof typeof TABS;

/** On a phone the tabs are wider than the screen, so the current one is scrolled into view. */
const intoView = (tab: HTMLElement | null): void =>
  tab?.scrollIntoView({ inline: 'center', block: 'nearest' });

export default function StudyPage() {
  const { id = '', tab: named = 'overview' } = useParams();
  const tab = Object.hasOwn(TABS, named) ? named : 'overview';
  const navigate = useNavigate();
  const { value: study, online, error } = useLiveStudy(id);
  useDocumentTitle(study ? `${study.config.name} · ${strings.brand}` : strings.title);
  if (error)
    return (
      <Stack gap="md">
        <ToStudies />
        <Problem error={error} />
      </Stack>
    );
  if (!study) return <Loading />;
  const pending = study.clinics.filter((c) => c.state === 'pending').length;
  const panel = (name: Tab, content: ReactNode) => (
    <Tabs.Panel value={name} pt="lg">
      {tab === name ? content : null}
    </Tabs.Panel>
  );
  return (
    <Stack gap="md">
      <Offline online={online} />
      <ToStudies />
      <Group justify="space-between" align="flex-start">
        <Stack gap={4}>
          <Group gap="sm">
            <Title order={1} size="h2">
              {study.config.name}
            </Title>
            <StatusBadge status={study.status} />
          </Group>
          {study.reason !== null && (
            <Text c="dimmed" size="sm" maw={700}>
              {reasonText(study.reason)}
            </Text>
          )}
        </Stack>
        <Actions study={study} />
      </Group>
      <Tabs
        value={tab}
        onChange={(next) =>
          void navigate(`/studies/${id}/${next ?? 'overview'}`, { replace: true })
        }
        keepMounted={false}
      >
        <Tabs.List style={{ flexWrap: 'nowrap', overflowX: 'auto', overflowY: 'hidden' }}>
          {(Object.keys(TABS) as Tab[]).map((name) => {
            const Icon = TABS[name];
            return (
              <Tabs.Tab
                key={name}
                value={name}
                ref={name === tab ? intoView : null}
                leftSection={<Icon size={17} aria-hidden />}
              >
                {strings.tabs[name]}
                {name === 'clinics' && pending > 0 && ` (${pending})`}
              </Tabs.Tab>
            );
          })}
        </Tabs.List>
        {panel('overview', <Overview study={study} />)}
        {panel('results', <Results study={study} />)}
        {panel('clinics', <Clinics study={study} />)}
        {panel('audit', <AuditLog study={study} />)}
        {panel('downloads', <Downloads study={study} />)}
      </Tabs>
    </Stack>
  );
}

const ToStudies = () => (
  <Anchor component={Link} to="/" size="sm" c="dimmed">
    <Group gap={2} component="span">
      <IconChevronLeft size={15} aria-hidden />
      {strings.studies.title}
    </Group>
  </Anchor>
);

function Actions({ study }: { study: LiveStudy }) {
  const { id, status, clinics, config } = study;
  const [busy, setBusy] = useState(false);
  const [asking, ask] = useDisclosure(false);
  const act = async (action: StudyAction) => {
    setBusy(true);
    await attempt(() => api.act(id, action));
    setBusy(false);
  };
  const t = strings.actions;
  const ready = clinics.filter((c) => c.state === 'approved').length >= config.cohort.minimum;
  return (
    <Group gap="xs">
      {status === 'draft' && (
        <Button
          leftSection={<IconPlayerPlay size={17} />}
          loading={busy}
          variant={ready ? 'filled' : 'light'}
          onClick={() => void act('start')}
        >
          {t.start}
        </Button>
      )}
      {status === 'running' && (
        <Button
          leftSection={<IconPlayerPause size={17} />}
          loading={busy}
          variant="light"
          onClick={() => void act('pause')}
        >
          {t.pause}
        </Button>
      )}
      {status === 'paused' && (
        <Button
          leftSection={<IconPlayerPlay size={17} />}
          loading={busy}
          onClick={() => void act('resume')}
        >
          {t.resume}
        </Button>
      )}
      {(status === 'running' || status === 'paused') && (
        <Button
          leftSection={<IconPlayerStop size={17} />}
          color="red"
          variant="subtle"
          c="var(--mantine-color-error)"
          onClick={ask.open}
        >
          {t.stop}
        </Button>
      )}
      <Modal
        opened={asking}
        onClose={ask.close}
        title={t.stopTitle}
        centered
        closeButtonProps={{ 'aria-label': strings.close }}
      >
        <Stack>
          <Text>{t.stopText}</Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={ask.close} data-autofocus>
              {strings.cancel}
            </Button>
            <Button
              color="red.9"
              onClick={() => {
                ask.close();
                void act('stop');
              }}
            >
              {t.stop}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </Group>
  );
}
