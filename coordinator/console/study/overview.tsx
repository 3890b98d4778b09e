// The main page while a study runs: its state, what each clinic is doing, the curve, and recent
// events.
import {
  Anchor,
  Button,
  Grid,
  Group,
  Paper,
  Progress,
  ScrollArea,
  SimpleGrid,
  Stack,
  Text,
} from '@mantine/core';
import { useEffect, useState } from 'react';
import { Link } from 'react-router';
import type { LiveStudy, RoundRow } from '../../../common/protocol/console.js';
import {
  bytesText,
  count,
  durationText,
  intervalText,
  percentText,
  scoreText,
  secondsLeft,
  sinceText,
} from '../format.js';
import { reasonText } from '../reason.js';
import { strings } from '../strings/index.js';
import { Panel } from '../ui.js';
import { ClinicNow, isOver } from './clinic-now.js';
import { Curves } from './curves.js';
import { sentenceOf } from './feed-text.js';

const t = strings.overview;

export function Overview({ study }: { study: LiveStudy }) {
  const { config, completed, clinics, rounds, scores, best, id } = study;
  const current = rounds.at(-1);
  const shown = clinics.filter((c) => c.state !== 'revoked');
  return (
    <Stack gap="lg">
      <NextStep study={study} />
      <Numbers study={study} />
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Stack gap="lg">
            {current && study.status !== 'draft' && <Now study={study} round={current} />}
            {scores.length > 0 && best && (
              <Curves
                scores={scores}
                rounds={rounds}
                best={best.round}
                metric={config.evaluation.select}
                height={260}
              />
            )}
            {shown.length > 0 && (
              <Panel
                title={strings.clinic.title}
                aside={
                  <Anchor component={Link} to={`/studies/${id}/clinics`} size="sm">
                    {t.goClinics}
                  </Anchor>
                }
              >
                <ScrollArea.Autosize
                  mah={420}
                  viewportProps={{
                    tabIndex: 0,
                    role: 'region',
                    'aria-label': strings.clinic.title,
                  }}
                >
                  <Stack gap="sm">
                    {shown.map((clinic) => (
                      <ClinicNow key={clinic.id} clinic={clinic} study={study} />
                    ))}
                  </Stack>
                </ScrollArea.Autosize>
              </Panel>
            )}
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Feed study={study} />
        </Grid.Col>
      </Grid>
      <Text size="xs" c="dimmed" ta="center">
        {completed > 0 && strings.disclaimer}
      </Text>
    </Stack>
  );
}

/** The next step to take in a draft. */
function NextStep({ study: { status, clinics, config, id } }: { study: LiveStudy }) {
  if (status !== 'draft') return null;
  const pending = clinics.filter((c) => c.state === 'pending').length;
  const approved = clinics.filter((c) => c.state === 'approved').length;
  const text =
    pending > 0
      ? t.nextApprove(pending)
      : approved >= config.cohort.minimum
        ? t.nextStart
        : t.nextInvite;
  return (
    <Paper p="md" radius="lg" bg="var(--mantine-primary-color-light)">
      <Group justify="space-between">
        <Text fw={500}>{text}</Text>
        {(pending > 0 || approved < config.cohort.minimum) && (
          <Button component={Link} to={`/studies/${id}/clinics`} variant="filled" size="sm">
            {t.goClinics}
          </Button>
        )}
      </Group>
    </Paper>
  );
}

function Numbers({ study }: { study: LiveStudy }) {
  const { config, completed, best, scores, clinics, rounds } = study;
  const { select } = config.evaluation;
  const result = scores.findLast((s) => s.round === best?.round);
  const last = rounds.findLast((r) => r.phase === 'closed' && r.number > 0);
  const approved = clinics.filter((c) => c.state === 'approved');
  const photographs = last ? t.photographs(count(last.samples)) : '';
  const up = rounds.reduce((n, r) => n + r.bytesUp, 0);
  const down = rounds.reduce((n, r) => n + r.bytesDown, 0);
  // Beside the metric that decides, the one that everybody asks for.
  const shown = [...new Set([select, 'malignantAuc'] as const)];
  const point = result?.operatingPoint;
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: point ? 7 : 5 }} spacing="sm">
      {shown.map((metric) => {
        const [value, low, high] = result?.heldout[metric] ?? [null, null, null];
        const interval = intervalText(low, high);
        return (
          <Figure
            key={metric}
            name={strings.results.metrics[metric]}
            value={scoreText(value)}
            text={
              best && value !== null
                ? `${t.scoreOf(t.round(best.round))}${interval === '' ? '' : `, ${interval}`}`
                : t.notYet
            }
          />
        );
      })}
      {point && (
        <>
          <Figure
            name={t.finds}
            value={percent(point.sensitivity)}
            text={t.findsOf(point.found, point.malignant)}
          />
          <Figure
            name={t.alarms}
            value={percent(point.specificity === null ? null : 1 - point.specificity)}
            text={t.alarmsOf(point.falseAlarms, point.benign)}
          />
        </>
      )}
      <Figure
        name={t.rounds}
        value={`${completed} / ${config.rounds}`}
        text={best ? strings.results.bestRound(best.round) : ''}
      />
      {isOver(study) ? (
        <Figure
          name={t.clinicsTookPart}
          value={count(clinics.filter((c) => c.updates > 0).length)}
          text={photographs}
        />
      ) : (
        <Figure
          name={t.clinicsConnected}
          value={`${approved.filter((c) => c.connected).length} / ${approved.length}`}
          text={photographs}
        />
      )}
      <Figure name={t.traffic} value={bytesText(up)} text={t.trafficOf(bytesText(down))} />
    </SimpleGrid>
  );
}

const percent = (share: number | null): string => (share === null ? '–' : percentText(share));

const Figure = ({ name, value, text }: { name: string; value: string; text: string }) => (
  <Paper withBorder p={{ base: 'sm', sm: 'md' }} radius="lg">
    <Text size="sm" c="dimmed" lh={1.3}>
      {name}
    </Text>
    <Text fz={{ base: 22, sm: 26 }} fw={680} lh={1.25} className="numbers">
      {value}
    </Text>
    <Text size="xs" c="dimmed">
      {text}
    </Text>
  </Paper>
);

/** The running round: its phase, which clinics have returned, and how long is left. */
function Now({ study, round }: { study: LiveStudy; round: RoundRow }) {
  const { config, completed, clinics, rounds, status, evaluated } = study;
  const now = useNow(study.now);
  const left = status === 'running' ? secondsLeft(rounds, completed, config.rounds) : null;
  const connected = clinics.filter((c) => c.connected && c.state === 'approved').length;
  const open = round.phase === 'open';
  const evaluating = round.phase === 'evaluating' && evaluated !== null;
  const share = evaluating
    ? 100 * evaluated
    : open || round.phase === 'failed'
      ? (100 * round.returned) / Math.max(1, round.cohort)
      : round.phase === 'planned'
        ? 0
        : 100;
  return (
    <Panel
      title={t.round(round.number)}
      text={
        (round.phase === 'failed' && round.reason !== null
          ? `${t.phase.failed}: ${reasonText(round.reason)}`
          : null) ??
        (evaluating
          ? t.evaluating(percentText(Math.floor(100 * evaluated) / 100))
          : t.phase[round.phase])
      }
      aside={
        left !== null && left > 0 ? (
          <Text size="sm" c="dimmed" className="numbers">
            {t.left(durationText(left))}
          </Text>
        ) : undefined
      }
    >
      <Stack gap="xs">
        <Progress
          value={share}
          size="lg"
          radius="xl"
          animated={status === 'running' && ['aggregating', 'evaluating'].includes(round.phase)}
          aria-label={evaluating ? t.phase.evaluating : t.returned(round.returned, round.cohort)}
          {...(round.phase === 'failed' && { color: 'red' })}
        />
        <Group justify="space-between" className="numbers">
          <Text size="sm">
            {round.phase === 'planned'
              ? t.waiting(connected, config.cohort.minimum)
              : round.number > 0
                ? t.returned(round.returned, round.cohort)
                : ''}
          </Text>
          {open && round.deadlineAt !== null && (
            <Text size="sm" c="dimmed">
              {t.deadline(durationText(Math.max(0, round.deadlineAt - now) / 1000))}
            </Text>
          )}
        </Group>
      </Stack>
    </Panel>
  );
}

/**
 * The coordinator's clock: its last reported time plus the time passed since, so that no two clocks
 * need agree.
 */
function useNow(heard: number): number {
  const [now, setNow] = useState(heard);
  useEffect(() => {
    const began = performance.now();
    const timer = setInterval(() => setNow(heard + performance.now() - began), 1000);
    return () => clearInterval(timer);
  }, [heard]);
  return Math.max(now, heard);
}

const DOT = {
  good: 'var(--mantine-color-sea-6)',
  bad: 'var(--mantine-color-red-6)',
  plain: 'var(--mantine-color-gray-5)',
};

function Feed({ study }: { study: LiveStudy }) {
  const lines = study.entries.toReversed().flatMap((entry) => {
    const sentence = entry.action === 'plan' ? null : sentenceOf(entry, study);
    return sentence ? [{ entry, ...sentence }] : [];
  });
  return (
    <Panel title={t.feed}>
      <ScrollArea.Autosize
        mah={720}
        viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': t.feed }}
      >
        <ol className="feed" aria-live="polite" aria-relevant="additions" data-testid="feed">
          {lines.slice(0, 100).map(({ entry, text, kind }) => (
            <li key={entry.seq}>
              <span className="dot" style={{ '--dot': DOT[kind] } as React.CSSProperties} />
              <Text size="sm">{text}</Text>
              <Text
                size="xs"
                c="dimmed"
                component="time"
                className="numbers"
                dateTime={new Date(entry.at).toISOString()}
              >
                {sinceText(entry.at, study.now)}
              </Text>
            </li>
          ))}
        </ol>
        {lines.length === 0 && <Text c="dimmed">{t.feedEmpty}</Text>}
      </ScrollArea.Autosize>
    </Panel>
  );
}
