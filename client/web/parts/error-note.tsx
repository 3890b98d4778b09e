// Shows an error to a person: what happened, what to do; its code and its exact words on request.
import { Alert, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ErrorBody } from '../../../common/errors.js';
import { errorTexts, STRINGS } from '../strings/index.js';

export function ErrorNote({
  error,
  title = STRINGS.error.title,
}: {
  error: ErrorBody | undefined;
  title?: string;
}) {
  if (!error) return null;
  const { happened, remedy, exact } = errorTexts(error);
  return (
    <Alert
      color="red"
      variant="light"
      icon={<IconAlertTriangle aria-hidden />}
      title={title}
      role="alert"
    >
      <Text size="sm">{happened}</Text>
      <Text size="sm" mt={4}>
        {remedy}
      </Text>
      <Text size="xs" c="dimmed" mt={4}>
        {error.code}
        {exact ? `: ${exact}` : ''}
      </Text>
    </Alert>
  );
}
