// One clinic at this moment: connected or away, and its training progress; when the study is over,
// what it took part in.
import { Group, Progress, Text } from '@mantine/core';
import type { ClinicRow, LiveStudy } from '../../../common/protocol/console.js';
import { percentText, scoreText } from '../format.js';
import { codeText } from '../reason.js';
import { strings } from '../strings/index.js';

const t = strings.clinic;

/** Whether nobody is waited for any more. */
export const isOver = ({ status }: Pick<LiveStudy, 'status'>): boolean =>
  status === 'completed' || status === 'stopped';

/** What a clinic is doing, in words, with how far it has come and its mean loss so far. */
export function doing(
  clinic: ClinicRow,
  { rounds, status }: Pick<LiveStudy, 'rounds' | 'status'>,
): string {
  const attempt = rounds.at(-1)?.attempt;
  const { state, connected, now, declined, updates } = clinic;
  if (state !== 'approved') return t.state[state];
  if (isOver({ status })) {
    const last = rounds.flatMap(({ declines }) => declines).findLast((d) => d.clinic === clinic.id);
    const part = t.tookPart(updates);
    return updates > 0 || !last ? part : `${part}; ${t.declined(codeText(last.code))}`;
  }
  if (now === 'returned') return t.returned;
  if (now === 'declined') return t.declined(codeText(declined ?? ''));
  if (!connected) return t.away;
  const training = trainingOf(clinic, attempt);
  if (!training) return t.idle;
  const share = `${t.phase[training.phase]}, ${percentText(training.fraction)}`;
  return training.loss === undefined ? share : `${share} · ${t.loss(scoreText(training.loss))}`;
}

/** Its progress in this attempt; null where it isn't training. */
const trainingOf = ({ connected, now, progress }: ClinicRow, attempt: string | undefined) =>
  connected && now === 'invited' && progress?.attempt === attempt ? progress : null;

export function Presence({ clinic: { connected } }: { clinic: ClinicRow }) {
  return (
    <span
      className="presence"
      role="img"
      aria-label={connected ? t.idle : t.away}
      style={{
        background: connected ? 'var(--mantine-color-sea-6)' : 'var(--mantine-color-gray-5)',
      }}
    />
  );
}

export function ClinicNow({ clinic, study }: { clinic: ClinicRow; study: LiveStudy }) {
  const over = isOver(study);
  const attempt = study.rounds.at(-1)?.attempt;
  const { name, now } = clinic;
  return (
    <div>
      <Group justify="space-between" wrap="nowrap" gap="sm">
        <Group gap={8} wrap="nowrap" style={{ minWidth: 0 }}>
          {!over && <Presence clinic={clinic} />}
          <Text fw={500} truncate>
            {name}
          </Text>
        </Group>
        <Text size="sm" c="dimmed" className="numbers" ta="right">
          {doing(clinic, study)}
        </Text>
      </Group>
      {(now === 'invited' || now === 'returned') && !over && (
        <Progress
          mt={6}
          size="sm"
          value={now === 'returned' ? 100 : 100 * (trainingOf(clinic, attempt)?.fraction ?? 0)}
          aria-label={name}
        />
      )}
    </div>
  );
}
