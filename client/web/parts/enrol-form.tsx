// The enrolment form, once the vault is open: the invitation, what leaves this device, the clinic's
// name.
import { Alert, Button, Paper, Stack, Text, Textarea, TextInput, Title } from '@mantine/core';
import { useState } from 'react';
import { ClinicName } from '../../../common/protocol/primitives.js';
import { replaceSession, useSession } from '../session/app-state.js';
import { forgetInvitation, pendingInvitation, tryInvitation } from '../session/invitation.js';
import { STRINGS } from '../strings/index.js';
import { ErrorNote } from './error-note.js';
import { Privacy } from './privacy.js';
import { useTask } from './use-task.js';

export function EnrolForm() {
  const session = useSession();
  const [pasted, setPasted] = useState('');
  const [typed, setName] = useState<string>();
  const { busy, error, run } = useTask();
  const read = pasted.trim() === '' ? pendingInvitation() : tryInvitation(pasted);
  const invitation = read && 'invitation' in read ? read.invitation : undefined;
  const unreadable = read && 'error' in read ? read.error : undefined;
  const name = typed ?? invitation?.clinic ?? '';
  const host = invitation && new URL(invitation.url).host;
  const elsewhere = host !== undefined && host !== location.host;
  return (
    <Stack gap="lg">
      <Paper withBorder p="lg">
        <Title order={2} mb={4}>
          {invitation ? STRINGS.welcome.invited(host!) : STRINGS.enrol.notYet}
        </Title>
        {!invitation && (
          <Text c="dimmed" mb="md">
            {STRINGS.enrol.notYetText}
          </Text>
        )}
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (!invitation || elsewhere) return;
            void run(async () => {
              const enrolled = await session.enrol(invitation, ClinicName.parse(name));
              forgetInvitation();
              replaceSession(enrolled);
            });
          }}
        >
          <Stack mt="md">
            {!(pendingInvitation() && invitation) && (
              <Textarea
                label={STRINGS.welcome.paste}
                description={STRINGS.welcome.pasteHint}
                value={pasted}
                onChange={(e) => setPasted(e.currentTarget.value)}
                autosize
                minRows={2}
                maxRows={4}
                autoComplete="off"
                spellCheck={false}
                error={unreadable ? unreadable.message : undefined}
              />
            )}
            {elsewhere && (
              <Alert color="yellow" variant="light">
                {STRINGS.welcome.otherHost(host)}
              </Alert>
            )}
            <TextInput
              label={STRINGS.enrol.name}
              description={STRINGS.enrol.nameHint}
              value={name}
              onChange={(e) => setName(e.currentTarget.value)}
              maxLength={80}
              autoComplete="organization"
              size="md"
            />
            <Text size="sm" c="dimmed">
              {STRINGS.enrol.identity}
            </Text>
            <ErrorNote error={error} />
            <Button
              type="submit"
              loading={busy}
              disabled={!invitation || elsewhere || name.trim() === ''}
            >
              {STRINGS.enrol.button}
            </Button>
          </Stack>
        </form>
      </Paper>
      <Privacy />
    </Stack>
  );
}
