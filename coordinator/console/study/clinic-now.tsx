// One clinic at this moment: connected or away, and its training progress.
import { Group, Progress, Text } from '@mantine/core';
import type { ClinicRow } from '../../../common/protocol/console.js';
import { strings } from '../strings.js';

const t = strings.clinic;

/** What a clinic is doing, in words. */
export function doing(
  { state, connected, now, progress }: ClinicRow,
  attempt: string | undefined,
): string {
  if (state !== 'approved') return t.state[state];
  if (now === 'returned') return t.returned;
  if (!connected) return t.away;
  return progress && progress.attempt === attempt && now === 'invited'
    ? t.phase[progress.phase]
    : t.idle;
}

export function Presence({ clinic: { connected } }: { clinic: ClinicRow }) {
  return (
    <span
      className="presence"
      role="img"
      aria-label={connected ? t.idle : t.away}
      style={{
        background: connected ? 'var(--mantine-color-teal-6)' : 'var(--mantine-color-gray-5)',
      }}
    />
  );
}

export function ClinicNow({ clinic, attempt }: { clinic: ClinicRow; attempt: string | undefined }) {
  const { name, now, progress, connected } = clinic;
  const training =
    connected && now === 'invited' && progress?.attempt === attempt ? progress : null;
  return (
    <div>
      <Group justify="space-between" wrap="nowrap" gap="sm">
        <Group gap={8} wrap="nowrap" style={{ minWidth: 0 }}>
          <Presence clinic={clinic} />
          <Text fw={500} truncate>
            {name}
          </Text>
        </Group>
        <Text size="sm" c="dimmed" className="numbers" ta="right">
          {doing(clinic, attempt)}
          {training && `, ${Math.round(100 * training.fraction)}%`}
          {training?.loss !== undefined && ` · loss ${training.loss.toFixed(3)}`}
        </Text>
      </Group>
      {now !== 'absent' && (
        <Progress
          mt={6}
          size="sm"
          value={now === 'returned' ? 100 : 100 * (training?.fraction ?? 0)}
          color={now === 'returned' ? 'teal' : 'sea'}
          aria-label={name}
        />
      )}
    </div>
  );
}
