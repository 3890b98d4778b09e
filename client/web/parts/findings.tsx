// The quality checks' findings on a photograph, each with its reason and a remedy.
import { Alert, Stack, Text } from '@mantine/core';
import { IconCheck, IconEye } from '@tabler/icons-react';
import type { QualityFinding } from '../../../common/images/quality.js';
import { STRINGS } from '../strings/index.js';

export function Findings({
  quality,
  quiet = false,
}: {
  quality: readonly QualityFinding[];
  quiet?: boolean;
}) {
  if (quality.length === 0)
    return quiet ? null : (
      <Alert color="sea" variant="light" icon={<IconCheck aria-hidden />} p="xs">
        {STRINGS.quality.good}
      </Alert>
    );
  return (
    <Stack gap="xs">
      {quality.map(({ problem, severe }) => (
        <Alert
          key={problem}
          color={severe ? 'red' : 'yellow'}
          variant="light"
          icon={<IconEye aria-hidden />}
          title={STRINGS.quality[problem].title}
          p="sm"
        >
          <Text size="sm">{STRINGS.quality[problem].text}</Text>
        </Alert>
      ))}
    </Stack>
  );
}
