// The whole study as a report to print.
import { Button, Code, Group, Stack, Table, Text, Title } from '@mantine/core';
import { IconPrinter } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { Link, useParams } from 'react-router';
import { stringify } from 'yaml';
import { fingerprint } from '../../../common/crypto/identity.js';
import type { LiveStudy, RoundView } from '../../../common/protocol/console.js';
import { api } from '../api.js';
import { bytesText, count, dateText, durationText, scoreText } from '../format.js';
import { useLiveStudy } from '../live.js';
import { strings } from '../strings.js';
import { Loading, Panel, Problem, StatusBadge, tellError } from '../ui.js';
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
  const [value, low, high] = scores.find((s) => s.round === number)?.heldout[metric] ?? [
    null,
    null,
    null,
  ];
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
          {study.reason !== null && <Text>{study.reason}</Text>}
        </div>
        <Panel title={t.headline}>
          <Text fz="lg">
            {number === undefined
              ? t.noHeadline
              : t.headlineText(
                  strings.overview.round(number),
                  strings.results.metrics[metric],
                  scoreText(value),
                  scoreText(low),
                  scoreText(high),
                )}
          </Text>
        </Panel>
        {best && scores.length > 0 && (
          <Curves scores={scores} best={best.round} metric={metric} choose={false} />
        )}
        {round?.evaluation && (
          <RoundMetrics metrics={round.evaluation.heldout} labels={study.labels} />
        )}
        <Panel title={strings.clinic.title}>
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
        </Panel>
        <RoundsTable study={study} all />
        <Panel title={t.settings}>
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
