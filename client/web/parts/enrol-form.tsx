// The enrolment form, once the vault is open: the invitation, what leaves this device, the clinic's
// name.
import { Alert, Button, Paper, Stack, Text, Textarea, TextInput, Title } from '@mantine/core';
import { useEffect, useState } from 'react';
import { ClinicName } from '../../../common/protocol/primitives.js';
import { replaceSession, useSession } from '../session/app-state.js';
import {
  askInvited,
  forgetInvitation,
  pendingInvitation,
  tryInvitation,
} from '../session/invitation.js';
import { errorTexts, STRINGS } from '../strings/index.js';
import { ErrorNote } from './error-note.js';
import { Privacy } from './privacy.js';
import { useTask } from './use-task.js';

export function EnrolForm() {
  const session = useSession();
  const [pasted, setPasted] = useState('');
  const [typed, setName] = useState<string>();
  const [studyName, setStudyName] = useState<string>();
  const { busy, error, run } = useTask();
  const read = pasted.trim() === '' ? pendingInvitation() : tryInvitation(pasted);
  const invitation = read && 'invitation' in read ? read.invitation : undefined;
  const unreadable = read && 'error' in read ? read.error : undefined;
  // Named as the study coordinator did, unless a person says otherwise.
  const name = typed ?? invitation?.clinic ?? '';
  const secret = invitation?.secret;
  useEffect(() => {
    setStudyName(undefined);
    if (invitation)
      void askInvited(invitation).then(
        (asked) => asked && 'studyName' in asked && setStudyName(asked.studyName),
      );
    // The invitation is read anew with each rendering; its secret tells it from another.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [secret]);
  const host = invitation && new URL(invitation.url).host;
  const elsewhere = host !== undefined && host !== location.host;
  return (
    <Stack gap="lg">
      <Paper withBorder p="lg">
        <Title order={2} mb={4}>
          {!invitation
            ? STRINGS.enrol.notYet
            : studyName
              ? STRINGS.welcome.invitedTo(studyName)
              : STRINGS.welcome.invited}
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
                error={unreadable ? errorTexts(unreadable).happened : undefined}
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
