// The results: curves, one round in full, and the table of rounds.
import { Badge, Button, Group, Select, SegmentedControl, Stack, Table, Text } from '@mantine/core';
import { IconChartLine } from '@tabler/icons-react';
import { useEffect, useMemo, useState } from 'react';
import type { LiveStudy, RoundRow, RoundView } from '../../../common/protocol/console.js';
import { api } from '../api.js';
import {
  bytesText,
  count,
  durationText,
  intervalText,
  roundSeconds,
  roundTraffic,
  scoreText,
} from '../format.js';
import { reasonText } from '../reason.js';
import { strings } from '../strings/index.js';
import { Empty, Loading, Panel, Scrolling, tellError } from '../ui.js';
import { Curves } from './curves.js';
import { RoundClinics, RoundMetrics } from './round-metrics.js';

const t = strings.results;

export function Results({ study }: { study: LiveStudy }) {
  const { scores, rounds, best, config } = study;
  if (scores.length === 0 || !best)
    return (
      <Panel>
        <Empty icon={<IconChartLine size={28} />} title={t.empty} text={t.emptyText} />
      </Panel>
    );
  return (
    <Stack gap="lg">
      <Curves scores={scores} rounds={rounds} best={best.round} metric={config.evaluation.select} />
      <OneRound study={study} best={best.round} />
      <RoundsTable study={study} />
    </Stack>
  );
}

function OneRound({ study, best }: { study: LiveStudy; best: number }) {
  const { id, rounds, scores, labels, clinics } = study;
  const [chosen, setChosen] = useState<number | null>(null);
  const [split, setSplit] = useState<'heldout' | 'validation'>('heldout');
  const [view, setView] = useState<{ number: number; round: RoundView } | null>(null);
  const number = chosen ?? best;
  useEffect(() => {
    let wanted = true;
    api
      .round(id, number)
      .then((round) => wanted && setView({ number, round }))
      .catch(tellError);
    return () => {
      wanted = false;
    };
  }, [id, number]);
  const declines =
    rounds.findLast((r) => r.number === number && r.phase === 'closed')?.declines ?? [];
  const options = useMemo(
    () =>
      scores
        .map(({ round }) => ({ value: String(round), label: t.roundOption(round, round === best) }))
        .toReversed(),
    [scores, best],
  );
  const evaluation = view?.round.evaluation;
  return (
    <>
      <Group>
        <Select
          aria-label={t.round}
          data={options}
          value={String(number)}
          onChange={(next) => next !== null && setChosen(Number(next))}
          allowDeselect={false}
          searchable={options.length > 12}
          w={320}
          maw="100%"
          limit={100}
        />
        <SegmentedControl
          value={split}
          onChange={(next) => setSplit(next)}
          data={[
            { value: 'heldout', label: t.heldout },
            { value: 'validation', label: t.validation },
          ]}
          aria-label={t.split}
        />
        {evaluation && (
          <Text size="sm" c="dimmed">
            {t.samples(count(evaluation[split].samples))} · {t.ece}{' '}
            {scoreText(evaluation[split].ece)}
          </Text>
        )}
      </Group>
      {evaluation ? <RoundMetrics metrics={evaluation[split]} labels={labels} /> : <Loading />}
      {view && view.round.updates.length > 0 && (
        <RoundClinics updates={view.round.updates} declines={declines} clinics={clinics} />
      )}
    </>
  );
}

/**
 * Rows shown until someone asks for all: five hundred rows are slow to draw, and the last ones
 * matter most.
 */
const FIRST_ROWS = 25;

export function RoundsTable({ study, all = false }: { study: LiveStudy; all?: boolean }) {
  const [whole, setWhole] = useState(all);
  const { rounds, scores, best, config } = study;
  const metric = config.evaluation.select;
  const done = rounds
    .filter((r) => r.phase === 'closed' || r.phase === 'failed')
    .toSorted((a, b) => b.number - a.number || b.plannedAt - a.plannedAt);
  const byRound = useMemo(() => new Map(scores.map((s) => [s.round, s])), [scores]);
  const c = t.roundColumns;
  return (
    <Panel title={t.rounds} text={t.metrics[metric]}>
      <Scrolling label={t.rounds} minWidth={720}>
        <Table
          className="numbers rounds"
          verticalSpacing={6}
          horizontalSpacing={all ? 6 : 'xs'}
          fz={all ? 'xs' : 'sm'}
          data-testid="rounds"
        >
          <Table.Thead>
            <Table.Tr>
              {[
                c.round,
                c.validation,
                c.heldout,
                c.clinics,
                c.photographs,
                c.up,
                c.down,
                c.time,
              ].map((name, i) => (
                <Table.Th key={name} ta={i === 0 ? 'left' : 'right'}>
                  {name}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {done.slice(0, whole ? undefined : FIRST_ROWS).map((row) => {
              if (row.phase === 'failed') return <FailedRow key={row.attempt} row={row} />;
              const score = byRound.get(row.number);
              const [value, low, high] = score?.heldout[metric] ?? [null, null, null];
              const seconds = roundSeconds(row);
              const traffic = roundTraffic(rounds, row.number);
              return (
                <Table.Tr key={row.attempt}>
                  <Table.Td>
                    <Group gap={6} wrap="nowrap">
                      {row.number === 0 ? strings.overview.round(0) : row.number}
                      {row.number === best?.round && (
                        <Badge size="sm" tt="none" style={{ minWidth: 'max-content' }}>
                          {t.best}
                        </Badge>
                      )}
                    </Group>
                  </Table.Td>
                  <Table.Td ta="right">{scoreText(score?.validation[metric][0])}</Table.Td>
                  <Table.Td ta="right">
                    {scoreText(value)}
                    <Text span size="xs" c="dimmed">
                      {' '}
                      {intervalText(low, high)}
                    </Text>
                  </Table.Td>
                  <Table.Td ta="right">
                    {row.number === 0 ? '–' : `${row.returned}/${row.cohort}`}
                  </Table.Td>
                  <Table.Td ta="right">{row.number === 0 ? '–' : count(row.samples)}</Table.Td>
                  <Table.Td ta="right">{row.number === 0 ? '–' : bytesText(traffic.up)}</Table.Td>
                  <Table.Td ta="right">{row.number === 0 ? '–' : bytesText(traffic.down)}</Table.Td>
                  <Table.Td ta="right">{seconds === null ? '–' : durationText(seconds)}</Table.Td>
                </Table.Tr>
              );
            })}
          </Table.Tbody>
        </Table>
      </Scrolling>
      {!whole && done.length > FIRST_ROWS && (
        <Button variant="subtle" onClick={() => setWhole(true)} mt="xs">
          {t.showAll(done.length)}
        </Button>
      )}
    </Panel>
  );
}

/** An attempt at a round that came to nothing: who returned, and why it failed in place of scores. */
function FailedRow({ row }: { row: RoundRow }) {
  const seconds = roundSeconds(row);
  return (
    <Table.Tr c="var(--mantine-color-error)">
      <Table.Td>
        <Group gap={6} wrap="nowrap">
          {row.number === 0 ? strings.overview.round(0) : row.number}
          <Badge
            size="sm"
            tt="none"
            color="red"
            variant="light"
            c="var(--mantine-color-error)"
            style={{ minWidth: 'max-content' }}
          >
            {t.failed}
          </Badge>
        </Group>
      </Table.Td>
      <Table.Td colSpan={2}>
        <Text size="xs" maw={320}>
          {row.reason !== null && reasonText(row.reason)}
        </Text>
      </Table.Td>
      <Table.Td ta="right">{row.cohort === 0 ? '–' : `${row.returned}/${row.cohort}`}</Table.Td>
      <Table.Td ta="right">{row.samples === 0 ? '–' : count(row.samples)}</Table.Td>
      <Table.Td ta="right">{bytesText(row.bytesUp)}</Table.Td>
      <Table.Td ta="right">{bytesText(row.bytesDown)}</Table.Td>
      <Table.Td ta="right">{seconds === null ? '–' : durationText(seconds)}</Table.Td>
    </Table.Tr>
  );
}
