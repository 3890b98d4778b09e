// What leaves this device and what never does, side by side: shown before enrolment, and on
// request.
import { List, Paper, SimpleGrid, Text, ThemeIcon, Title } from '@mantine/core';
import { IconCheck, IconLock, IconSend } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { STRINGS } from '../strings/index.js';

export function Privacy() {
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <Facts
        {...STRINGS.stays}
        icon={<IconLock size={20} aria-hidden />}
        mark={<IconLock size={14} aria-hidden />}
        color="sea"
      />
      <Facts
        {...STRINGS.leaves}
        icon={<IconSend size={20} aria-hidden />}
        mark={<IconCheck size={14} aria-hidden />}
        color="gray"
      />
    </SimpleGrid>
  );
}

function Facts({
  title,
  items,
  note,
  icon,
  mark,
  color,
}: {
  title: string;
  items: readonly string[];
  note?: string;
  icon: ReactNode;
  mark: ReactNode;
  color: string;
}) {
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h5" mb="sm" style={{ display: 'flex', alignItems: 'center', gap: 8 }}>
        <ThemeIcon variant="light" color={color} radius="xl">
          {icon}
        </ThemeIcon>
        {title}
      </Title>
      <List
        spacing={6}
        size="sm"
        icon={
          <ThemeIcon size={20} variant="transparent" color={color}>
            {mark}
          </ThemeIcon>
        }
      >
        {items.map((item) => (
          <List.Item key={item}>{item}</List.Item>
        ))}
      </List>
      {note && (
        <Text size="sm" c="dimmed" mt="sm">
          {note}
        </Text>
      )}
    </Paper>
  );
}
