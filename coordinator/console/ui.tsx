// Small pieces that several parts of the console use.
import {
  ActionIcon,
  Alert,
  Badge,
  Center,
  CopyButton,
  Loader,
  type MantineColor,
  Paper,
  Stack,
  Text,
  ThemeIcon,
  Title,
  Tooltip,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconAlertCircle, IconCheck, IconCopy } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { StudyStatus } from '../../common/protocol/round.js';
import { ApiError } from './api.js';
import { strings } from './strings/index.js';

const STATUS_COLOUR: Record<StudyStatus, MantineColor> = {
  draft: 'gray',
  running: 'sea',
  paused: 'orange',
  stopped: 'red',
  completed: 'sea',
};

export function StatusBadge({ status }: { status: StudyStatus }) {
  return (
    <Badge
      variant="light"
      color={STATUS_COLOUR[status]}
      size="lg"
      tt="none"
      fw={600}
      c="var(--mantine-color-text)"
      style={{ flexShrink: 0 }}
      data-status={status}
    >
      {strings.status[status]}
    </Badge>
  );
}

/** A box with a heading. */
export function Panel({
  title,
  children,
  aside,
  text,
}: {
  title?: string;
  text?: string;
  aside?: ReactNode;
  children: ReactNode;
}) {
  return (
    <Paper
      component="section"
      withBorder
      p={{ base: 'md', sm: 'lg' }}
      radius="lg"
      className="panel"
    >
      {title !== undefined && (
        <div className="panel-head">
          <div>
            <Title order={2} size="h4">
              {title}
            </Title>
            {text !== undefined && (
              <Text size="sm" c="dimmed">
                {text}
              </Text>
            )}
          </div>
          {aside}
        </div>
      )}
      {children}
    </Paper>
  );
}

/**
 * Around a table that may be wider than the screen: it scrolls, and a shadow at an edge shows that
 * there is more.
 */
export const Scrolling = ({
  label,
  minWidth,
  children,
}: {
  label: string;
  minWidth: number;
  children: ReactNode;
}) => (
  // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls is reached by keyboard
  <section className="scrolling" tabIndex={0} aria-label={label}>
    <div style={{ minWidth }}>{children}</div>
  </section>
);

export function Empty({
  icon,
  title,
  text,
  children,
}: {
  icon: ReactNode;
  title: string;
  text?: string;
  children?: ReactNode;
}) {
  return (
    <Center py="xl">
      <Stack align="center" gap="xs" maw={440} ta="center">
        <ThemeIcon size={56} radius="xl" variant="light">
          {icon}
        </ThemeIcon>
        <Text fw={600} size="lg" mt="xs">
          {title}
        </Text>
        {text !== undefined && <Text c="dimmed">{text}</Text>}
        {children}
      </Stack>
    </Center>
  );
}

export const Loading = () => (
  <Center py={80} role="status">
    <Loader type="dots" aria-hidden />
    <Text className="visually-hidden">{strings.loading}</Text>
  </Center>
);

export function Problem({ error }: { error: ApiError }) {
  return (
    <Alert
      color="red"
      variant="light"
      icon={<IconAlertCircle />}
      title={error.message}
      role="alert"
    >
      {error.remedy}
    </Alert>
  );
}

export function Copy({ value, label }: { value: string; label: string }) {
  return (
    <CopyButton value={value}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? strings.copied : strings.copy}>
          <ActionIcon variant="subtle" onClick={copy} aria-label={`${strings.copy}: ${label}`}>
            {copied ? <IconCheck size={18} /> : <IconCopy size={18} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}

/**
 * Runs an action that a person asked for, and shows a message if it failed.
 * @returns whether it succeeded
 */
export async function attempt(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (thrown) {
    tellError(thrown);
    return false;
  }
}

export function tellError(thrown: unknown): void {
  const error = asApiError(thrown);
  notifications.show({
    color: 'red',
    title: error.message,
    message: error.remedy,
    autoClose: 12_000,
    icon: <IconAlertCircle size={18} />,
    closeButtonProps: { 'aria-label': strings.close },
  });
}

export const asApiError = (thrown: unknown): ApiError =>
  thrown instanceof ApiError
    ? thrown
    : new ApiError(
        'LENTIGO_INTERNAL',
        thrown instanceof Error ? thrown.message : String(thrown),
        strings.errors.reload,
      );

/** Saves a file to the browser's downloads. */
export function save(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
