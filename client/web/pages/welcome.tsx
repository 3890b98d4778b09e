// The first visit: an introduction, the invitation, and a passphrase for this browser.
import { Alert, Button, Center, Group, Image, Paper, Stack, Text, Title } from '@mantine/core';
import { IconMailOpened } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { PassphraseForm } from '../parts/passphrase-form.js';
import { Privacy } from '../parts/privacy.js';
import { createAndOpen } from '../session/app-state.js';
import { askInvited, pendingInvitation } from '../session/invitation.js';
import { date } from '../strings/format.js';
import { errorTexts, STRINGS } from '../strings/index.js';

export function Welcome() {
  const [step, setStep] = useState<'facts' | 'passphrase'>('facts');
  const pending = pendingInvitation();
  const invited = pending && 'invitation' in pending ? pending.invitation : undefined;
  const [asked, setAsked] = useState<Awaited<ReturnType<typeof askInvited>>>();
  useEffect(() => void (invited && askInvited(invited).then(setAsked)), [invited]);
  const wrong = asked && 'error' in asked ? errorTexts(asked.error) : undefined;
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
                  <IconMailOpened
                    aria-hidden
                    color="var(--mantine-primary-color-filled)"
                    style={{ flexShrink: 0 }}
                  />
                  <div>
                    <Text fw={600}>
                      {asked && 'studyName' in asked
                        ? STRINGS.welcome.invitedTo(asked.studyName)
                        : STRINGS.welcome.invited}
                    </Text>
                    <Text size="sm" c="dimmed">
                      {STRINGS.welcome.as(invited.clinic)}{' '}
                      {STRINGS.welcome.expires(date(invited.expires, 'long'))}
                    </Text>
                  </div>
                </Group>
              </Paper>
            )}
            {wrong && (
              <Alert color="yellow" variant="light" role="alert">
                {wrong.happened} {wrong.remedy}
              </Alert>
            )}
            <Group justify="space-between">
              <Button size="lg" onClick={() => setStep('passphrase')}>
                {invited ? STRINGS.welcome.begin : STRINGS.welcome.without}
              </Button>
              <Text size="sm" c="dimmed">
                {STRINGS.notice}
              </Text>
            </Group>
            {!invited && (
              <Text size="sm" c="dimmed" mt={-8}>
                {STRINGS.welcome.withoutHint}
              </Text>
            )}
            <Privacy />
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
