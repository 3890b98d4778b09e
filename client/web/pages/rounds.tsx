// Take part: enrolment and approval, then the running rounds, and every update that was sent.
import {
  Badge,
  Button,
  Group,
  Loader,
  Paper,
  RingProgress,
  Stack,
  Table,
  Text,
  Title,
} from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { type SentUpdate, sentUpdates } from '../../participation/sent.js';
import { EnrolForm } from '../parts/enrol-form.js';
import { ErrorNote } from '../parts/error-note.js';
import { Fingerprint } from '../parts/fingerprint.js';
import { Page } from '../parts/page.js';
import { isForeign, trains } from '../photographs/photograph.js';
import { useSession } from '../session/app-state.js';
import type { Session } from '../session/session.js';
import { pause, resume, type Standing, useTakingPart } from '../session/taking-part.js';
import { STRINGS } from '../strings/index.js';

const text = STRINGS.rounds;
const COLOURS: Readonly<Record<Standing, string>> = {
  paused: 'gray',
  connecting: 'gray',
  'waiting-approval': 'yellow',
  connected: 'sea',
  offline: 'orange',
  elsewhere: 'gray',
  over: 'sea',
  failed: 'red',
};

export function RoundsPage() {
  const session = useSession();
  if (!session.clinic)
    return (
      <Page title={STRINGS.enrol.title}>
        <EnrolForm />
      </Page>
    );
  return <Enrolled session={session} clinic={session.clinic} />;
}

function Enrolled({
  session,
  clinic,
}: {
  session: Session;
  clinic: NonNullable<Session['clinic']>;
}) {
  const { standing, error, sent } = useTakingPart();
  return (
    <Page
      title={text.title}
      lead={clinic.enrolment.studyName}
      actions={<PauseButton session={session} standing={standing} />}
    >
      {standing === 'waiting-approval' ? (
        <Waiting clinic={clinic.enrolment.clinic} />
      ) : (
        <Now session={session} />
      )}
      {standing !== 'offline' && (
        <ErrorNote
          error={error}
          title={standing === 'failed' ? text.standing.failed : STRINGS.error.title}
        />
      )}
      <Sent key={sent} session={session} clinic={clinic} />
    </Page>
  );
}

export function StandingBadge({ standing }: { standing: Standing }) {
  return (
    <Badge
      color={COLOURS[standing]}
      variant="light"
      size="lg"
      tt="none"
      fw={600}
      data-testid="standing"
    >
      {text.standing[standing]}
    </Badge>
  );
}

function PauseButton({ session, standing }: { session: Session; standing: Standing }) {
  const [busy, setBusy] = useState(false);
  if (standing === 'over' || standing === 'elsewhere') return null;
  const off = standing === 'paused' || standing === 'failed';
  const press = async () => {
    setBusy(true);
    await (off ? resume(session) : pause(session));
    setBusy(false);
  };
  return (
    <Button
      variant={off ? 'filled' : 'default'}
      loading={busy}
      leftSection={
        off ? <IconPlayerPlay size={18} aria-hidden /> : <IconPlayerPause size={18} aria-hidden />
      }
      onClick={() => void press()}
    >
      {off ? text.resume : text.pause}
    </Button>
  );
}

function Waiting({ clinic }: { clinic: string }) {
  return (
    <Paper withBorder p="lg">
      <Title order={2}>{STRINGS.enrol.waitingTitle}</Title>
      <Text mt="xs" mb="md">
        {STRINGS.enrol.waiting}
      </Text>
      <Fingerprint clinic={clinic} />
      <Group mt="md" gap="xs">
        <Loader size="sm" aria-hidden />
        <Text size="sm" c="dimmed" aria-live="polite">
          {STRINGS.enrol.waitingState} {STRINGS.enrol.meanwhile}
        </Text>
      </Group>
    </Paper>
  );
}

function Now({ session }: { session: Session }) {
  const { standing, study, round, engine } = useTakingPart();
  const [photographs, setPhotographs] = useState<{ training: number; foreign: number }>();
  const phone = useMediaQuery('(max-width: 48em)');
  useEffect(
    () =>
      void session.collection.list().then((all) =>
        setPhotographs({
          training: all.filter((p) => trains(p, session.labels)).length,
          foreign: all.filter((p) => isForeign(p, session.labels)).length,
        }),
      ),
    [session],
  );
  const active = round && round.phase !== 'missed';
  const percent = Math.round(100 * (active ? round.fraction : 0));
  const title = round
    ? text.phases[round.phase]
    : standing === 'connected' && study?.status === 'running'
      ? text.waitingRound
      : text.standing[standing];
  return (
    <Paper withBorder p="lg">
      <Group wrap="nowrap" gap={phone ? 'sm' : 'lg'} align="center">
        <RingProgress
          size={phone ? 104 : 132}
          thickness={phone ? 8 : 10}
          roundCaps
          sections={[{ value: round?.phase === 'sent' ? 100 : percent, color: 'sea' }]}
          aria-hidden
          label={
            <Text ta="center" fw={650} fz={phone ? 20 : 24} component="div">
              {round?.phase === 'sent'
                ? '✓'
                : active
                  ? `${percent} %`
                  : study
                    ? `${study.round}/${study.rounds}`
                    : '–'}
            </Text>
          }
        />
        <Stack gap={4} style={{ minWidth: 0 }}>
          <Title order={2} fz={{ base: 'h4', sm: 'h3' }} aria-live="polite" data-testid="phase">
            {title}
          </Title>
          {study && (
            <Text size="sm">
              {text.progress(round?.number ?? study.round, study.rounds)}
              {study.status === 'running' ? '' : `, ${text.studyStatus[study.status]}`}
            </Text>
          )}
          {round?.secondsLeft !== undefined && (
            <Text size="sm">{text.left(round.secondsLeft)}</Text>
          )}
          {!round && (
            <Text size="sm" c="dimmed">
              {text.explain[standing]}
            </Text>
          )}
          {round && round.phase !== 'sent' && (
            <Text size="sm" c="dimmed">
              {text.closes(new Date(round.endsAt).toLocaleTimeString('en', { timeStyle: 'short' }))}
            </Text>
          )}
        </Stack>
      </Group>
      <Group mt="md" gap="md">
        {photographs && (
          <Text size="sm" c="dimmed">
            {photographs.training === 0 ? text.noneToTrain : text.trainingOn(photographs.training)}
          </Text>
        )}
        {photographs !== undefined && photographs.foreign > 0 && (
          <Text size="sm" c="dimmed">
            {text.foreign(photographs.foreign)}
          </Text>
        )}
        {round?.epoch !== undefined && round.epoch > 0 && (
          <Text size="sm" c="dimmed">
            {text.epoch(round.epoch)}
            {round.loss === undefined ? '' : `, ${text.loss} ${round.loss.toFixed(3)}`}
          </Text>
        )}
        {engine && (
          <Text size="sm" c="dimmed">
            {text.engine(engine.name)}
          </Text>
        )}
      </Group>
      {round?.phase === 'training' && (
        <Text size="sm" c="dimmed" mt={4}>
          {text.awake}
        </Text>
      )}
    </Paper>
  );
}

const bytesText = (n: number): string =>
  n < 1e6 ? `${(n / 1e3).toFixed(1)} kB` : `${(n / 1e6).toFixed(1)} MB`;

function Sent({ session, clinic }: { session: Session; clinic: NonNullable<Session['clinic']> }) {
  const [sent, setSent] = useState<readonly SentUpdate[]>([]);
  const phone = useMediaQuery('(max-width: 48em)');
  useEffect(
    () =>
      void sentUpdates(session.store, clinic.enrolment).then((all) => setSent(all.toReversed())),
    [session, clinic],
  );
  const { columns } = text;
  return (
    <section aria-labelledby="sent">
      <Title order={2} id="sent" mb="xs">
        {text.sentTitle}
      </Title>
      {sent.length === 0 ? (
        <Text c="dimmed" size="sm">
          {text.sentNone}
        </Text>
      ) : phone ? (
        <Stack gap="xs" component="ul" style={{ listStyle: 'none', margin: 0, padding: 0 }}>
          {sent.map(({ round, samples, bytes, norm, loss, sha256 }) => (
            <Paper key={sha256} withBorder p="sm" component="li">
              <Group justify="space-between">
                <Text fw={600}>
                  {columns.round} {round}
                </Text>
                <Text size="sm">{bytesText(bytes)}</Text>
              </Group>
              <Text size="sm" c="dimmed">
                {samples} {columns.samples.toLowerCase()}, {columns.norm.toLowerCase()}{' '}
                {norm.toPrecision(3)}, {columns.loss.toLowerCase()} {loss.toFixed(3)}
              </Text>
              <Text size="xs" ff="monospace" c="dimmed" style={{ wordBreak: 'break-all' }}>
                {sha256}
              </Text>
            </Paper>
          ))}
        </Stack>
      ) : (
        <Paper withBorder style={{ overflow: 'hidden' }}>
          <Table verticalSpacing="xs" data-testid="sent">
            <Table.Thead>
              <Table.Tr>
                {Object.values(columns).map((column) => (
                  <Table.Th key={column}>{column}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {sent.map(({ round, samples, bytes, norm, loss, sha256 }) => (
                <Table.Tr key={sha256}>
                  <Table.Td>{round}</Table.Td>
                  <Table.Td>{samples}</Table.Td>
                  <Table.Td>{bytesText(bytes)}</Table.Td>
                  <Table.Td>{norm.toPrecision(3)}</Table.Td>
                  <Table.Td>{loss.toFixed(3)}</Table.Td>
                  <Table.Td>
                    <Text ff="monospace" size="xs" style={{ wordBreak: 'break-all' }}>
                      {sha256}
                    </Text>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Paper>
      )}
    </section>
  );
}
