// Asks for the passphrase at every start, and after a time without use.
import {
  Anchor,
  Button,
  Center,
  Collapse,
  Group,
  Image,
  Paper,
  PasswordInput,
  Stack,
  Text,
  Title,
} from '@mantine/core';
import { useState } from 'react';
import { DeleteEverything } from '../parts/delete-everything.js';
import { ErrorNote } from '../parts/error-note.js';
import { useTask } from '../parts/use-task.js';
import { unlock } from '../session/app-state.js';
import { STRINGS } from '../strings/index.js';

export function Unlock({ covered }: { covered: boolean }) {
  const [passphrase, setPassphrase] = useState('');
  const [forgotten, setForgotten] = useState(false);
  const { busy, error, run } = useTask();
  return (
    <Center mih="100dvh" p="md" component="main" id="content">
      <Stack maw={420} w="100%" gap="lg">
        <Group gap="sm">
          <Image src="./icon.svg" w={44} h={44} alt="" />
          <Text fw={650} fz="lg">
            {STRINGS.app}
          </Text>
        </Group>
        <div>
          <Title order={1}>{STRINGS.unlock.title}</Title>
          <Text c="dimmed" mt={4}>
            {covered ? STRINGS.unlock.covered : STRINGS.unlock.lead}
          </Text>
        </div>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (passphrase) void run(() => unlock(passphrase));
          }}
        >
          <Stack>
            <PasswordInput
              label={STRINGS.passphrase.label}
              value={passphrase}
              onChange={(e) => setPassphrase(e.currentTarget.value)}
              autoComplete="current-password"
              size="md"
              data-autofocus
            />
            <ErrorNote error={error} />
            <Button type="submit" fullWidth loading={busy} disabled={!passphrase}>
              {STRINGS.unlock.button}
            </Button>
          </Stack>
        </form>
        <div>
          <Anchor
            component="button"
            size="sm"
            onClick={() => setForgotten(!forgotten)}
            aria-expanded={forgotten}
          >
            {STRINGS.unlock.forgotten}
          </Anchor>
          <Collapse expanded={forgotten}>
            <Paper withBorder p="md" mt="sm">
              <Text size="sm" mb="md">
                {STRINGS.unlock.forgottenText}
              </Text>
              <DeleteEverything />
            </Paper>
          </Collapse>
        </div>
      </Stack>
    </Center>
  );
}
