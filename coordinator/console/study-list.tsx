// All studies of this coordinator.
import {
  Anchor,
  Button,
  Group,
  Paper,
  Progress,
  SimpleGrid,
  Stack,
  Table,
  Text,
  Title,
} from '@mantine/core';
import { IconPlus, IconUsersGroup } from '@tabler/icons-react';
import { Link } from 'react-router';
import type { z } from 'zod';
import type { StudyList as Studies } from '../../common/protocol/console.js';
import { scoreText } from './format.js';
import { useLiveStudies } from './live.js';
import { Offline } from './offline.js';
import { reasonText } from './reason.js';
import { strings } from './strings/index.js';
import { Empty, Loading, Panel, Problem, Scrolling, StatusBadge } from './ui.js';

const t = strings.studies;
/** From so many on, studies are a table. */
const TABLE_FROM = 5;

export function StudyList() {
  const { value: studies, online, error } = useLiveStudies();
  if (error) return <Problem error={error} />;
  if (!studies) return <Loading />;
  const create = (
    <Button component={Link} to="/new" leftSection={<IconPlus size={18} />}>
      {t.create}
    </Button>
  );
  return (
    <Stack gap="lg">
      <Offline online={online} />
      <Group justify="space-between">
        <Title order={1} size="h2">
          {t.title}
        </Title>
        {studies.length > 0 && create}
      </Group>
      {studies.length === 0 ? (
        <Paper withBorder radius="lg" p="lg">
          <Empty icon={<IconUsersGroup size={28} />} title={t.emptyTitle} text={t.empty}>
            <div style={{ marginTop: 12 }}>{create}</div>
          </Empty>
        </Paper>
      ) : (
        <List studies={studies.toReversed()} />
      )}
    </Stack>
  );
}

type Study = z.infer<typeof Studies>[number];

const List = ({ studies }: { studies: readonly Study[] }) =>
  studies.length < TABLE_FROM ? (
    <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
      {studies.map((study) => (
        <Card key={study.id} study={study} />
      ))}
    </SimpleGrid>
  ) : (
    <Panel>
      <Scrolling label={t.title} minWidth={640}>
        <Table verticalSpacing="sm" className="numbers" data-testid="studies">
          <Table.Thead>
            <Table.Tr>
              {[t.columns.name, t.columns.status, t.columns.rounds, t.columns.best].map((name) => (
                <Table.Th key={name}>{name}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {studies.map(({ id, name, status, completed, rounds, best, select }) => (
              <Table.Tr key={id}>
                <Table.Td>
                  <Anchor component={Link} to={`/studies/${id}`} fw={600} c="inherit">
                    {name}
                  </Anchor>
                </Table.Td>
                <Table.Td>
                  <StatusBadge status={status} />
                </Table.Td>
                <Table.Td>{`${completed} / ${rounds}`}</Table.Td>
                <Table.Td>
                  {best
                    ? t.bestCell(
                        strings.results.metrics[select],
                        scoreText(best.score),
                        strings.overview.round(best.round),
                      )
                    : t.noBest}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Scrolling>
    </Panel>
  );

function Card({
  study: { id, name, status, reason, completed, rounds, best, select },
}: {
  study: Study;
}) {
  return (
    <Paper
      component={Link}
      to={`/studies/${id}`}
      className="card-link"
      withBorder
      radius="lg"
      p="lg"
    >
      <Stack gap="sm">
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <Title order={2} size="h4" lineClamp={2}>
            {name}
          </Title>
          <StatusBadge status={status} />
        </Group>
        <Progress value={(100 * completed) / rounds} aria-label={t.progress(completed, rounds)} />
        <Text size="sm" className="numbers">
          {t.progress(completed, rounds)}
        </Text>
        <Text size="sm" c="dimmed" className="numbers">
          {best
            ? t.best(
                strings.results.metrics[select],
                scoreText(best.score),
                strings.overview.round(best.round),
              )
            : t.noBest}
        </Text>
        {reason !== null && status === 'paused' && (
          <Text size="sm" c="dimmed" lineClamp={2}>
            {reasonText(reason)}
          </Text>
        )}
      </Stack>
    </Paper>
  );
}
