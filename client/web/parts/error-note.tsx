// Shows an error to a person: what happened, what to do, and its code in small print.
import { Alert, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ErrorBody } from '../../../common/errors.js';
import { STRINGS } from '../strings/index.js';

export function ErrorNote({
  error,
  title = STRINGS.error.title,
}: {
  error: ErrorBody | undefined;
  title?: string;
}) {
  if (!error) return null;
  return (
    <Alert
      color="red"
      variant="light"
      icon={<IconAlertTriangle aria-hidden />}
      title={title}
      role="alert"
    >
      <Text size="sm">{error.message}</Text>
      <Text size="sm" mt={4}>
        {STRINGS.remedies[error.code] ?? error.remedy}
      </Text>
      <Text size="xs" c="dimmed" mt={4}>
        {error.code}
      </Text>
    </Alert>
  );
}
