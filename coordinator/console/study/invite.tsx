// An invitation: a link that opens the clinic's app, as a QR code too, and the word for agents. The
// secret is in the link's fragment, which no server sees.
import { Button, Group, Modal, Select, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { IconMail, IconShare } from '@tabler/icons-react';
import { QRCodeSVG } from 'qrcode.react';
import { type SyntheticEvent, useState } from 'react';
import { parseInvitation } from '../../../common/protocol/enrolment.js';
import { api } from '../api.js';
import { dateText } from '../format.js';
import { strings } from '../strings/index.js';
import { attempt, Copy } from '../ui.js';

const t = strings.invite;
const HOURS = [24, 72, 168, 336, 720];

/** Where a clinic's browser opens an invitation. */
const invitationLink = (invitation: string): string =>
  `${parseInvitation(invitation).url}/clinic/#invitation=${invitation}`;

export function Invite({
  study,
  name: studyName,
  opened,
  onClose,
}: {
  study: string;
  name: string;
  opened: boolean;
  onClose: () => void;
}) {
  const [name, setName] = useState('');
  const [hours, setHours] = useState('168');
  const [busy, setBusy] = useState(false);
  const [made, setMade] = useState<{ name: string; invitation: string; expires: string } | null>(
    null,
  );
  const submit = async (event: SyntheticEvent) => {
    event.preventDefault();
    setBusy(true);
    await attempt(async () =>
      setMade({ name: name.trim(), ...(await api.invite(study, name.trim(), Number(hours))) }),
    );
    setBusy(false);
  };
  const again = () => {
    setMade(null);
    setName('');
  };
  const close = () => {
    onClose();
    again();
  };
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={made ? t.made(made.name) : t.title}
      size="lg"
      centered
      closeOnClickOutside={!made}
      closeButtonProps={{ 'aria-label': strings.close }}
    >
      {made ? (
        <Stack>
          <Text size="sm">{t.once(dateText(Date.parse(made.expires)))}</Text>
          <div
            style={{
              background: '#fff',
              padding: 16,
              borderRadius: 12,
              alignSelf: 'center',
              width: 'min(320px, 100%)',
            }}
          >
            <QRCodeSVG
              value={invitationLink(made.invitation)}
              size={288}
              style={{ width: '100%', height: 'auto', display: 'block' }}
              level="L"
              role="img"
              title={t.qr}
            />
          </div>
          <Secret label={t.link} value={invitationLink(made.invitation)} />
          <Send
            subject={t.subject(studyName)}
            letter={t.letter(
              studyName,
              made.name,
              dateText(Date.parse(made.expires)),
              invitationLink(made.invitation),
            )}
          />
          <Secret label={t.word} value={made.invitation} />
          <Group justify="flex-end">
            <Button variant="light" onClick={again}>
              {t.another}
            </Button>
            <Button onClick={close}>{strings.close}</Button>
          </Group>
        </Stack>
      ) : (
        <form onSubmit={(event) => void submit(event)}>
          <Stack>
            <TextInput
              label={t.name}
              value={name}
              onChange={(e) => setName(e.currentTarget.value)}
              required
              maxLength={80}
              data-autofocus
              withAsterisk={false}
            />
            <Select
              label={t.hours}
              data={HOURS.map((h) => ({ value: String(h), label: t.hour(h) }))}
              value={hours}
              onChange={(next) => next !== null && setHours(next)}
              allowDeselect={false}
            />
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                {strings.cancel}
              </Button>
              <Button type="submit" loading={busy} disabled={name.trim() === ''}>
                {t.make}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}

/** The letter, through the system's own sharing where it has one, and as an e-mail. */
function Send({ subject, letter }: { subject: string; letter: string }) {
  const shareable = 'share' in navigator;
  return (
    <Group gap="xs">
      {shareable && (
        <Button
          variant="light"
          leftSection={<IconShare size={17} />}
          onClick={() => {
            // Closing the system's dialog is no failure.
            navigator.share({ title: subject, text: letter }).catch(() => undefined);
          }}
        >
          {t.share}
        </Button>
      )}
      <Button
        variant="light"
        leftSection={<IconMail size={17} />}
        component="a"
        href={`mailto:?subject=${encodeURIComponent(subject)}&body=${encodeURIComponent(letter)}`}
      >
        {t.mail}
      </Button>
    </Group>
  );
}

const Secret = ({ label, value }: { label: string; value: string }) => (
  <Textarea
    label={label}
    value={value}
    readOnly
    rows={2}
    onFocus={(e) => e.currentTarget.select()}
    rightSection={<Copy value={value} label={label} />}
    styles={{ input: { fontFamily: 'ui-monospace, monospace', fontSize: 12 } }}
  />
);
