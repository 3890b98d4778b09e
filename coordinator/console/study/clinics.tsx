// The clinics of a study: inviting them, approving them by telephone, revoking them, and what each
// has contributed.
import { Badge, Button, Group, Modal, Paper, Stack, Table, Text } from '@mantine/core';
import { IconUserPlus, IconUsers } from '@tabler/icons-react';
import { useState } from 'react';
import { fingerprint } from '../../../common/crypto/identity.js';
import type { ClinicRow, LiveStudy } from '../../../common/protocol/console.js';
import { api } from '../api.js';
import { bytesText, count, dateText, durationText } from '../format.js';
import { strings } from '../strings/index.js';
import { attempt, Empty, Panel, Scrolling } from '../ui.js';
import { doing, isOver, Presence } from './clinic-now.js';
import { Invite } from './invite.js';

const t = strings.clinic;

export function Clinics({ study }: { study: LiveStudy }) {
  const { id, clinics, invitations, now } = study;
  const [inviting, setInviting] = useState(false);
  const [deciding, setDeciding] = useState<{
    clinic: ClinicRow;
    decision: 'approve' | 'revoke';
  } | null>(null);
  const over = isOver(study);
  const open = invitations.filter((i) => i.usedAt === null);
  const pending = clinics.filter((c) => c.state === 'pending');
  const others = clinics
    .filter((c) => c.state !== 'pending')
    .toSorted((a, b) => a.name.localeCompare(b.name));
  const invite = (
    <Button
      leftSection={<IconUserPlus size={18} />}
      onClick={() => setInviting(true)}
      disabled={over}
    >
      {t.invite}
    </Button>
  );
  const decide = async () => {
    if (!deciding) return;
    const { clinic, decision } = deciding;
    setDeciding(null);
    await attempt(() => api.decide(id, clinic.id, decision));
  };
  return (
    <Stack gap="lg">
      {pending.map((clinic) => (
        <Paper
          key={clinic.id}
          withBorder
          radius="lg"
          p="lg"
          style={{ borderColor: 'var(--mantine-color-orange-5)' }}
          data-testid="pending"
        >
          <Group justify="space-between">
            <div>
              <Group gap="xs">
                <Text fw={600} size="lg">
                  {clinic.name}
                </Text>
                <Badge color="orange" variant="light" tt="none" c="var(--mantine-color-text)">
                  {t.state.pending}
                </Badge>
              </Group>
              <Text size="sm" c="dimmed">
                {t.fingerprint}: <span className="fingerprint">{fingerprint(clinic.id)}</span>
              </Text>
            </div>
            <Group gap="xs">
              <Button onClick={() => setDeciding({ clinic, decision: 'approve' })}>
                {t.approve}
              </Button>
              <Button
                variant="subtle"
                color="red"
                c="var(--mantine-color-error)"
                onClick={() => setDeciding({ clinic, decision: 'revoke' })}
              >
                {t.revoke}
              </Button>
            </Group>
          </Group>
        </Paper>
      ))}
      <Panel
        title={t.title}
        {...(others.length > 0 && { text: t.columnsHelp })}
        aside={clinics.length > 0 ? invite : undefined}
      >
        {clinics.length === 0 && (
          <Empty icon={<IconUsers size={28} />} title={t.none} text={t.noneText}>
            <div style={{ marginTop: 12 }}>{invite}</div>
          </Empty>
        )}
        {others.length > 0 && (
          <Scrolling label={t.title} minWidth={760}>
            <Table verticalSpacing="xs" className="numbers" data-testid="clinics">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t.columns.clinic}</Table.Th>
                  <Table.Th>{t.columns.now}</Table.Th>
                  {[t.columns.rounds, t.columns.photographs, t.columns.sent, t.columns.seconds].map(
                    (name) => (
                      <Table.Th key={name} ta="right">
                        {name}
                      </Table.Th>
                    ),
                  )}
                  <Table.Th>
                    <span className="visually-hidden">{t.actions}</span>
                  </Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {others.map((clinic) => (
                  <Table.Tr key={clinic.id}>
                    <Table.Td>
                      <Group gap={8} wrap="nowrap">
                        {!over && <Presence clinic={clinic} />}
                        <div>
                          <Group gap={6}>
                            <Text fw={500}>{clinic.name}</Text>
                            {clinic.state === 'revoked' && (
                              <Badge
                                size="sm"
                                color="gray"
                                variant="light"
                                tt="none"
                                c="var(--mantine-color-text)"
                              >
                                {t.state[clinic.state]}
                              </Badge>
                            )}
                          </Group>
                          <Text size="xs" c="dimmed" className="fingerprint">
                            {fingerprint(clinic.id)}
                          </Text>
                        </div>
                      </Group>
                    </Table.Td>
                    <Table.Td>
                      <Text size="sm">{doing(clinic, study)}</Text>
                    </Table.Td>
                    <Table.Td ta="right">{count(clinic.updates)}</Table.Td>
                    <Table.Td ta="right">{count(clinic.samples)}</Table.Td>
                    <Table.Td ta="right">{bytesText(clinic.bytes)}</Table.Td>
                    <Table.Td ta="right">{durationText(clinic.seconds)}</Table.Td>
                    <Table.Td ta="right">
                      {clinic.state === 'approved' && (
                        <Button
                          size="compact-sm"
                          variant="subtle"
                          color="red"
                          c="var(--mantine-color-error)"
                          aria-label={t.revokeOf(clinic.name)}
                          onClick={() => setDeciding({ clinic, decision: 'revoke' })}
                        >
                          {t.revoke}
                        </Button>
                      )}
                      {clinic.state === 'revoked' && (
                        <Button
                          size="compact-sm"
                          variant="subtle"
                          aria-label={t.approveOf(clinic.name)}
                          onClick={() => setDeciding({ clinic, decision: 'approve' })}
                        >
                          {t.approve}
                        </Button>
                      )}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Scrolling>
        )}
      </Panel>
      {open.length > 0 && (
        <Panel title={t.pending}>
          <Stack gap="xs">
            {open.map((i) => (
              <Group key={`${i.clinicName}${i.expiresAt}`} justify="space-between">
                <Text>{i.clinicName}</Text>
                <Text size="sm" c="dimmed">
                  {i.expiresAt > now ? t.invited(dateText(i.expiresAt)) : t.expired}
                </Text>
              </Group>
            ))}
          </Stack>
        </Panel>
      )}
      <Invite
        study={id}
        name={study.config.name}
        opened={inviting}
        onClose={() => setInviting(false)}
      />
      <Modal
        opened={deciding !== null}
        onClose={() => setDeciding(null)}
        title={
          deciding &&
          (deciding.decision === 'approve' ? t.approveTitle : t.revokeTitle)(deciding.clinic.name)
        }
        centered
        closeButtonProps={{ 'aria-label': strings.close }}
      >
        {deciding && (
          <Stack>
            <Text>{deciding.decision === 'approve' ? t.approveText : t.revokeText}</Text>
            {deciding.decision === 'approve' && (
              <Paper p="md" bg="var(--mantine-primary-color-light)" ta="center">
                <Text
                  className="fingerprint large"
                  fz={{ base: 24, sm: 30 }}
                  fw={600}
                  lh={1.5}
                  data-testid="fingerprint"
                >
                  {fingerprint(deciding.clinic.id)}
                </Text>
              </Paper>
            )}
            <Group justify="flex-end">
              <Button variant="default" onClick={() => setDeciding(null)} data-autofocus>
                {strings.cancel}
              </Button>
              {deciding.decision === 'approve' ? (
                <Button onClick={() => void decide()}>{t.same}</Button>
              ) : (
                <Button color="red.9" onClick={() => void decide()}>
                  {t.revoke}
                </Button>
              )}
            </Group>
          </Stack>
        )}
      </Modal>
    </Stack>
  );
}
