// A new passphrase, typed twice.
import { Button, PasswordInput, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { STRINGS } from '../strings/index.js';
import { SHORTEST_PASSPHRASE } from '../vault/vault.js';
import { ErrorNote } from './error-note.js';
import { useTask } from './use-task.js';

/**
 * The form.
 * @param withOld asks for the current passphrase first
 */
export function PassphraseForm({
  withOld = false,
  button,
  onSubmit,
}: {
  withOld?: boolean;
  button: string;
  onSubmit: (passphrase: string, old: string) => Promise<void>;
}) {
  const [old, setOld] = useState('');
  const [first, setFirst] = useState('');
  const [again, setAgain] = useState('');
  const [tried, setTried] = useState(false);
  const { busy, error, run } = useTask();
  const short =
    first.length < SHORTEST_PASSPHRASE ? STRINGS.passphrase.short(SHORTEST_PASSPHRASE) : undefined;
  const differ = first === again ? undefined : STRINGS.passphrase.differ;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (short || differ) return;
        void run(async () => {
          await onSubmit(first, old);
          setOld('');
          setFirst('');
          setAgain('');
          setTried(false);
        });
      }}
    >
      <Stack>
        {withOld && (
          <PasswordInput
            label={STRINGS.settings.old}
            value={old}
            onChange={(e) => setOld(e.currentTarget.value)}
            autoComplete="current-password"
            size="md"
          />
        )}
        <PasswordInput
          label={withOld ? STRINGS.settings.new : STRINGS.passphrase.label}
          description={STRINGS.passphrase.hint}
          value={first}
          onChange={(e) => setFirst(e.currentTarget.value)}
          error={tried && short}
          autoComplete="new-password"
          size="md"
        />
        <PasswordInput
          label={STRINGS.passphrase.again}
          value={again}
          onChange={(e) => setAgain(e.currentTarget.value)}
          error={tried && !short && differ}
          autoComplete="new-password"
          size="md"
        />
        <Text size="sm" c="dimmed">
          {STRINGS.passphrase.lost}
        </Text>
        <ErrorNote error={error} />
        <Button type="submit" loading={busy} fullWidth>
          {button}
        </Button>
      </Stack>
    </form>
  );
}
