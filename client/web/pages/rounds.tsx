// Take part: enrolment and approval, then the running rounds, and every update that was sent.
import {
  Anchor,
  Badge,
  Button,
  Collapse,
  Group,
  Loader,
  Paper,
  RingProgress,
  Stack,
  Text,
  Title,
} from '@mantine/core';
import { useDisclosure, useMediaQuery } from '@mantine/hooks';
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { type SentUpdate, sentUpdates } from '../../participation/sent.js';
import { EnrolForm } from '../parts/enrol-form.js';
import { ErrorNote } from '../parts/error-note.js';
import { Fingerprint } from '../parts/fingerprint.js';
import { Page } from '../parts/page.js';
import { useToldModels } from '../parts/use-models.js';
import { isForeign, trains } from '../photographs/photograph.js';
import { useSession } from '../session/app-state.js';
import type { Session } from '../session/session.js';
import type { Standing } from '../session/shown.js';
import { pause, resume, useTakingPart } from '../session/taking-part.js';
import {
  clockTime,
  decimal,
  percent as percentText,
  significant,
  size,
} from '../strings/format.js';
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
  const { standing, round, error, undelivered, sent } = useTakingPart();
  // While the round goes on, the error itself is shown.
  const told = round && round.phase !== 'declined' ? undefined : undelivered;
  return (
    <Page
      title={text.title}
      lead={`${clinic.enrolment.studyName} · ${clinic.enrolment.name}`}
      actions={<PauseButton session={session} standing={standing} />}
    >
      {standing === 'waiting-approval' ? (
        <Waiting clinic={clinic.enrolment.clinic} />
      ) : (
        <Now session={session} />
      )}
      {told && <ErrorNote error={told.error} title={text.undelivered(told.round)} />}
      {standing !== 'offline' && error?.message !== told?.error.message && (
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
  const active = round && round.phase !== 'missed' && round.phase !== 'declined';
  const done = round?.phase === 'sent' || (study && study.status === 'completed');
  // Within a round how far it is; between rounds how far the study is.
  const share = done
    ? 1
    : active
      ? round.fraction
      : study
        ? Math.min(1, study.round / study.rounds)
        : 0;
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
          sections={[{ value: 100 * share, color: 'sea' }]}
          aria-hidden
          label={
            <Text ta="center" fw={650} fz={phone ? 20 : 24} component="div">
              {done
                ? '✓'
                : active
                  ? percentText(Math.round(100 * share) / 100)
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
              {text.closes(clockTime(round.endsAt))}
            </Text>
          )}
        </Stack>
      </Group>
      <Achieved session={session} />
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
            {round.loss === undefined ? '' : `, ${text.loss} ${decimal(round.loss, 3)}`}
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

/** What the last round that ended changed of the study's model. */
function Achieved({ session }: { session: Session }) {
  const told = useToldModels(session);
  const { standing } = useTakingPart();
  if (!told || told.best === null || told.last === null) return null;
  const score = (round: number) =>
    told.models.find((made) => made.round === round)?.validation ?? undefined;
  const [now, before] = [score(told.last), score(told.last - 1)];
  if (now === undefined || told.last === 0) return null;
  const change = before === undefined ? 0 : now - before;
  return (
    <>
      <Text size="sm" mt="md" data-testid="achieved">
        {text.achieved(told.last, STRINGS.models.metrics[told.select], decimal(now, 2))}
        {before === undefined
          ? ''
          : `, ${text.before(decimal(before, 2), `${change < 0 ? '−' : '+'}${decimal(Math.abs(change), 2)}`)}`}
        {'; '}
        {text.bestSoFar(told.best)}.
      </Text>
      {standing === 'over' && (
        <Anchor href="#/predict" size="sm">
          {text.toPredict}
        </Anchor>
      )}
    </>
  );
}

function Sent({ session, clinic }: { session: Session; clinic: NonNullable<Session['clinic']> }) {
  const [sent, setSent] = useState<readonly SentUpdate[]>([]);
  useEffect(
    () =>
      void sentUpdates(session.store, clinic.enrolment).then((all) => setSent(all.toReversed())),
    [session, clinic],
  );
  return (
    <section aria-labelledby="sent">
      <Title order={2} id="sent" mb="xs">
        {text.sentTitle}
      </Title>
      {sent.length === 0 ? (
        <Text c="dimmed" size="sm">
          {text.sentNone}
        </Text>
      ) : (
        <Stack
          gap="xs"
          component="ul"
          style={{ listStyle: 'none', margin: 0, padding: 0 }}
          data-testid="sent"
        >
          {sent.map((update) => (
            <OneSent key={update.sha256} update={update} />
          ))}
        </Stack>
      )}
    </section>
  );
}

function OneSent({
  update: { round, samples, bytes, norm, loss, sha256 },
}: {
  update: SentUpdate;
}) {
  const [more, { toggle }] = useDisclosure();
  const { columns } = text;
  return (
    <Paper withBorder px="sm" py="xs" component="li">
      <Group justify="space-between" gap="xs">
        <Text fw={600}>
          {columns.round} {round}
        </Text>
        <Text size="sm" style={{ flexGrow: 1 }}>
          {text.oneSent(STRINGS.photographs(samples), size(bytes))}
        </Text>
        <Anchor component="button" size="sm" onClick={toggle} aria-expanded={more}>
          {STRINGS.common.details}
        </Anchor>
      </Group>
      <Collapse expanded={more}>
        <Text size="sm" c="dimmed" mt={4}>
          {columns.loss} {decimal(loss, 3)}; {columns.norm} {significant(norm, 3)}
        </Text>
        <Text size="xs" c="dimmed" mt={4}>
          {columns.sha256}
        </Text>
        <Text size="xs" ff="monospace" c="dimmed" style={{ wordBreak: 'break-all' }}>
          {sha256}
        </Text>
      </Collapse>
    </Paper>
  );
}
