// All studies of this coordinator.
import {
  Badge,
  Button,
  Group,
  Paper,
  Progress,
  SimpleGrid,
  Stack,
  Text,
  Title,
} from '@mantine/core';
import { IconPlus, IconUsersGroup } from '@tabler/icons-react';
import { Link } from 'react-router';
import { scoreText } from './format.js';
import { useLiveStudies } from './live.js';
import { Offline } from './offline.js';
import { strings } from './strings.js';
import { Empty, Loading, Problem, StatusBadge } from './ui.js';

export function StudyList() {
  const { value: studies, online, error } = useLiveStudies();
  const t = strings.studies;
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
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
          {studies.toReversed().map(({ id, name, status, reason, completed, rounds, best }) => (
            <Paper
              key={id}
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
                <Progress
                  value={(100 * completed) / rounds}
                  aria-label={t.progress(completed, rounds)}
                />
                <Group justify="space-between" gap="xs">
                  <Text size="sm" className="numbers">
                    {t.progress(completed, rounds)}
                  </Text>
                  {best ? (
                    <Badge variant="light" tt="none" className="numbers">
                      {t.best(scoreText(best.score), best.round)}
                    </Badge>
                  ) : (
                    <Text size="sm" c="dimmed">
                      {t.noBest}
                    </Text>
                  )}
                </Group>
                {reason !== null && status === 'paused' && (
                  <Text size="sm" c="dimmed" lineClamp={2}>
                    {reason}
                  </Text>
                )}
              </Stack>
            </Paper>
          ))}
        </SimpleGrid>
      )}
    </Stack>
  );
}
