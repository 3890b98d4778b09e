// The first visit: an introduction, the invitation, and a passphrase for this browser.
import { Button, Center, Group, Image, Paper, Stack, Text, Title } from '@mantine/core';
import { IconMailOpened } from '@tabler/icons-react';
import { useState } from 'react';
import { PassphraseForm } from '../parts/passphrase-form.js';
import { Privacy } from '../parts/privacy.js';
import { createAndOpen } from '../session/app-state.js';
import { pendingInvitation } from '../session/invitation.js';
import { STRINGS } from '../strings/index.js';

export function Welcome() {
  const [step, setStep] = useState<'facts' | 'passphrase'>('facts');
  const pending = pendingInvitation();
  const invited = pending && 'invitation' in pending ? pending.invitation : undefined;
  return (
    <Center mih="100dvh" p="md" component="main" id="content">
      <Stack maw={step === 'facts' ? 720 : 440} w="100%" gap="lg" py="lg">
        <Group gap="sm">
          <Image src="./icon.svg" w={44} h={44} alt="" />
          <Text fw={650} fz="lg">
            {STRINGS.app}
          </Text>
        </Group>
        {step === 'facts' ? (
          <>
            <div>
              <Title order={1} fz={{ base: 28, sm: 34 }}>
                {STRINGS.welcome.title}
              </Title>
              <Text mt="sm" fz="lg" c="dimmed">
                {STRINGS.welcome.lead}
              </Text>
            </div>
            {invited && (
              <Paper withBorder p="md">
                <Group wrap="nowrap">
                  <IconMailOpened aria-hidden color="var(--mantine-primary-color-filled)" />
                  <div>
                    <Text fw={600}>{STRINGS.welcome.invited(new URL(invited.url).host)}</Text>
                    <Text size="sm" c="dimmed">
                      {STRINGS.welcome.expires(
                        new Date(invited.expires).toLocaleDateString('en', { dateStyle: 'long' }),
                      )}
                    </Text>
                  </div>
                </Group>
              </Paper>
            )}
            <Privacy />
            <Group justify="space-between">
              <Text size="sm" c="dimmed">
                {STRINGS.notice}
              </Text>
              <Button size="lg" onClick={() => setStep('passphrase')}>
                {invited ? STRINGS.welcome.begin : STRINGS.welcome.without}
              </Button>
            </Group>
            {!invited && (
              <Text size="sm" c="dimmed" ta="right" mt={-8}>
                {STRINGS.welcome.withoutHint}
              </Text>
            )}
          </>
        ) : (
          <>
            <div>
              <Title order={1}>{STRINGS.passphrase.title}</Title>
              <Text mt="xs" c="dimmed">
                {STRINGS.passphrase.lead}
              </Text>
            </div>
            <PassphraseForm button={STRINGS.passphrase.set} onSubmit={createAndOpen} />
          </>
        )}
      </Stack>
    </Center>
  );
}
