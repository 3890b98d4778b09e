// Asks for the admin token, and tries it at once.
import { Button, Group, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { type SyntheticEvent, useState } from 'react';
import icon from '../../common/web/icon.svg';
import { api, ApiError } from './api.js';
import { session } from './session.js';
import { strings } from './strings/index.js';
import { asApiError, Problem } from './ui.js';

export function SignIn({ onSignedIn }: { onSignedIn: () => void }) {
  const [token, setToken] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    setBusy(true);
    api
      .signIn(token.trim())
      .then(() => {
        session.begin(token.trim());
        onSignedIn();
      })
      .catch((thrown: unknown) => {
        const failed = asApiError(thrown);
        setError(
          failed.code === 'LENTIGO_ADMIN_TOKEN'
            ? new ApiError(failed.code, strings.signIn.wrong, strings.signIn.wrongRemedy)
            : failed,
        );
      })
      .finally(() => setBusy(false));
  };
  return (
    <main className="sign-in">
      <Paper withBorder shadow="md" radius="lg" p={{ base: 'lg', sm: 36 }} w="100%" maw={440}>
        <form onSubmit={submit}>
          <Stack gap="md">
            <Group gap="sm">
              <img src={icon} alt="" width={40} height={40} />
              <div>
                <Text fw={700} size="lg" lh={1.2}>
                  {strings.brand}
                </Text>
                <Title order={1} size="sm" fw={500} c="dimmed">
                  {strings.signIn.title}
                </Title>
              </div>
            </Group>
            <Text>{strings.signIn.lead}</Text>
            {error && <Problem error={error} />}
            <PasswordInput
              label={strings.signIn.token}
              description={strings.signIn.where}
              value={token}
              onChange={(e) => setToken(e.currentTarget.value)}
              required
              autoComplete="current-password"
              size="md"
              withAsterisk={false}
            />
            <Button type="submit" size="md" loading={busy} disabled={token.trim() === ''}>
              {strings.signIn.button}
            </Button>
            <Text size="xs" c="dimmed" ta="center">
              {strings.disclaimer}
            </Text>
          </Stack>
        </form>
      </Paper>
    </main>
  );
}
