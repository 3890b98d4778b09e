// The frame of a page: its heading, and the actions beside it.
import { Group, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

export function Page({
  title,
  lead,
  actions,
  children,
  width = 880,
}: {
  title: string;
  lead?: string;
  actions?: ReactNode;
  children: ReactNode;
  width?: number;
}) {
  return (
    <Stack gap="lg" maw={width} mx="auto" w="100%">
      <Group justify="space-between" align="flex-end" gap="sm">
        <div>
          <Title order={1}>{title}</Title>
          {lead && (
            <Text c="dimmed" mt={2}>
              {lead}
            </Text>
          )}
        </div>
        {actions}
      </Group>
      {children}
    </Stack>
  );
}
