// The whole study as a report to print.
import { Button, Code, Group, Stack, Table, Text, Title } from '@mantine/core';
import { IconPrinter } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { Link, useParams } from 'react-router';
import { stringify } from 'yaml';
import { fingerprint } from '../../../common/crypto/identity.js';
import type { LiveStudy, RoundView } from '../../../common/protocol/console.js';
import { api } from '../api.js';
import { bytesText, count, dateText, durationText, intervalText, scoreText } from '../format.js';
import { useLiveStudy } from '../live.js';
import { reasonText } from '../reason.js';
import { strings } from '../strings/index.js';
import { Loading, Panel, Problem, Scrolling, StatusBadge, tellError } from '../ui.js';
import { trainedWords } from '../trained.js';
import { isOver } from './clinic-now.js';
import { Curves } from './curves.js';
import { RoundsTable } from './results.js';
import { RoundMetrics } from './round-metrics.js';

const t = strings.report;

export default function Report() {
  const { id = '' } = useParams();
  const { value: study, error } = useLiveStudy(id);
  if (error) return <Problem error={error} />;
  return study ? <Printed study={study} /> : <Loading />;
}

function Printed({ study }: { study: LiveStudy }) {
  const { id, config, best, scores, clinics } = study;
  const [round, setRound] = useState<RoundView | null>(null);
  const number = best?.round;
  useEffect(() => {
    if (number !== undefined) api.round(id, number).then(setRound).catch(tellError);
  }, [id, number]);
  const metric = config.evaluation.select;
  const first = study.rounds.find((r) => r.number > 0 && r.openedAt !== null);
  const last = isOver(study) ? study.rounds.findLast((r) => r.closedAt !== null) : undefined;
  const words = trainedWords(study.blocks, config.training.trainFrom);
  const c = strings.clinic.columns;
  return (
    <article className="report-page">
      <Stack gap="lg">
        <Group className="no-print" justify="space-between">
          <Button component={Link} to={`/studies/${id}/downloads`} variant="default">
            {t.back}
          </Button>
          <Button leftSection={<IconPrinter size={17} />} onClick={() => window.print()}>
            {t.print}
          </Button>
        </Group>
        <div>
          <Group gap="sm">
            <Title order={1}>{config.name}</Title>
            <StatusBadge status={study.status} />
          </Group>
          <Text c="dimmed" size="sm">
            {t.made(dateText(study.now))} · {id}
          </Text>
          <Text c="dimmed" size="sm">
            {t.dates(
              dateText(study.createdAt),
              first ? dateText(first.openedAt!) : null,
              last ? dateText(last.closedAt!) : null,
            )}
          </Text>
          {study.reason !== null && <Text>{reasonText(study.reason)}</Text>}
        </div>
        <Panel title={t.headline}>
          {number === undefined ? (
            <Text fz="lg">{t.noHeadline}</Text>
          ) : (
            <Headline study={study} number={number} samples={round?.evaluation?.heldout.samples} />
          )}
        </Panel>
        {best && scores.length > 0 && (
          <Curves
            scores={scores}
            rounds={study.rounds}
            best={best.round}
            metric={metric}
            choose={false}
          />
        )}
        {round?.evaluation && (
          <RoundMetrics metrics={round.evaluation.heldout} labels={study.labels} />
        )}
        <Panel title={strings.clinic.title}>
          <Scrolling label={strings.clinic.title} minWidth={600}>
            <Table className="numbers" fz="sm">
              <Table.Thead>
                <Table.Tr>
                  {[c.clinic, c.state, c.rounds, c.photographs, c.sent, c.seconds].map((name) => (
                    <Table.Th key={name}>{name}</Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {clinics.map((k) => (
                  <Table.Tr key={k.id}>
                    <Table.Td>
                      {k.name}
                      <Text size="xs" c="dimmed" className="fingerprint">
                        {fingerprint(k.id)}
                      </Text>
                    </Table.Td>
                    <Table.Td>{strings.clinic.state[k.state]}</Table.Td>
                    <Table.Td>{k.updates}</Table.Td>
                    <Table.Td>{count(k.samples)}</Table.Td>
                    <Table.Td>{bytesText(k.bytes)}</Table.Td>
                    <Table.Td>{durationText(k.seconds)}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Scrolling>
        </Panel>
        <RoundsTable study={study} all />
        <Panel title={t.settings}>
          {words !== null && <Text mb="sm">{t.trains(words, config.training.trainFrom)}</Text>}
          <Code
            block
            fz="xs"
            style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', overflow: 'visible' }}
          >
            {stringify(config)}
          </Code>
        </Panel>
        <Text size="sm" c="dimmed">
          {strings.disclaimer}
        </Text>
      </Stack>
    </article>
  );
}

/** The result that counts, beside the starting model's. */
function Headline({
  study: { scores, config },
  number,
  samples,
}: {
  study: LiveStudy;
  number: number;
  samples: number | undefined;
}) {
  const of = (round: number) => scores.find((s) => s.round === round);
  const [start, result] = [of(0), of(number)];
  const rows = [...new Set([config.evaluation.select, 'malignantAuc'] as const)].map((name) => {
    const [value, low, high] = result?.heldout[name] ?? [null, null, null];
    return {
      name: strings.results.metrics[name],
      start: scoreText(start?.heldout[name][0]),
      value: scoreText(value),
      interval: intervalText(low, high),
    };
  });
  for (const name of ['sensitivity', 'specificity'] as const) {
    const point = result?.operatingPoint;
    if (!point) continue;
    const { low = null, high = null } = point.intervals[name] ?? {};
    rows.push({
      name: strings.results[name],
      start: scoreText(start?.operatingPoint?.[name]),
      value: scoreText(point[name]),
      interval: intervalText(low, high),
    });
  }
  return (
    <Stack gap="sm">
      <Text fz="lg">
        {t.headlineText(
          strings.overview.round(number),
          samples === undefined ? '…' : count(samples),
        )}
      </Text>
      <Table className="numbers" fz={{ base: 'xs', sm: 'sm' }} horizontalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{strings.results.metric}</Table.Th>
            {[t.columns.start, t.columns.result, t.columns.interval].map((name) => (
              <Table.Th key={name} ta="right">
                {name}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map(({ name, start: before, value, interval }) => (
            <Table.Tr key={name}>
              <Table.Td>{name}</Table.Td>
              {[before, value, interval].map((text, i) => (
                <Table.Td key={i} ta="right" fw={i === 1 ? 650 : 400}>
                  {text}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Stack>
  );
}
