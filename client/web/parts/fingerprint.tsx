// A clinic's fingerprint, large enough to read aloud on the telephone.
import { CopyButton, Group, Paper, Text, Tooltip, ActionIcon, VisuallyHidden } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { fingerprint } from '../../../common/crypto/identity.js';
import { STRINGS } from '../strings/index.js';

export function Fingerprint({ clinic }: { clinic: string }) {
  const text = fingerprint(clinic);
  return (
    <Paper withBorder p="md" bg="var(--mantine-color-default-hover)">
      <Group justify="space-between" align="flex-start" wrap="nowrap">
        <div>
          <Text size="sm" c="dimmed" mb={6}>
            {STRINGS.enrol.fingerprint}
          </Text>
          <Text
            ff="monospace"
            fw={600}
            fz={{ base: 20, xs: 24 }}
            lh={1.5}
            data-testid="fingerprint"
            style={{
              display: 'grid',
              gridTemplateColumns: 'repeat(4, max-content)',
              columnGap: '0.7em',
            }}
          >
            <VisuallyHidden>{text}</VisuallyHidden>
            {text.split(' ').map((group, i) => (
              <span key={i} aria-hidden>
                {group}
              </span>
            ))}
          </Text>
        </div>
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <Tooltip label={copied ? STRINGS.common.copied : STRINGS.common.copy}>
              <ActionIcon
                variant="subtle"
                size="lg"
                onClick={copy}
                aria-label={STRINGS.common.copy}
              >
                {copied ? <IconCheck size={20} /> : <IconCopy size={20} />}
              </ActionIcon>
            </Tooltip>
          )}
        </CopyButton>
      </Group>
    </Paper>
  );
}
