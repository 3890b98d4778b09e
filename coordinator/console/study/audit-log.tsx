// The audit log: newest first, older entries on request, and the chain verified on request.
import { Alert, Button, Group, Stack, Table, Text } from '@mantine/core';
import { IconShieldCheck, IconShieldX } from '@tabler/icons-react';
import { useState } from 'react';
import type { z } from 'zod';
import type { AuditChain, AuditLine, LiveStudy } from '../../../common/protocol/console.js';
import { api } from '../api.js';
import { count, exactText } from '../format.js';
import { strings } from '../strings/index.js';
import { attempt, Panel, Scrolling } from '../ui.js';
import { actorName, detailText, sentenceOf } from './feed-text.js';

const t = strings.audit;

export function AuditLog({ study }: { study: LiveStudy }) {
  const { id, clinics, entries } = study;
  const [older, setOlder] = useState<AuditLine[]>([]);
  const [chain, setChain] = useState<z.infer<typeof AuditChain> | null>(null);
  const [busy, setBusy] = useState<'more' | 'chain' | null>(null);
  const shown = [
    ...entries.toReversed(),
    ...older.filter((e) => e.seq < (entries[0]?.seq ?? Infinity)),
  ];
  const first = shown.at(-1)?.seq ?? 1;
  const run = async (what: 'more' | 'chain', work: () => Promise<void>) => {
    setBusy(what);
    await attempt(work);
    setBusy(null);
  };
  return (
    <Panel
      title={strings.tabs.audit}
      text={t.lead}
      aside={
        <Button
          variant="light"
          loading={busy === 'chain'}
          onClick={() => void run('chain', async () => setChain(await api.auditChain(id)))}
        >
          {t.verify}
        </Button>
      }
    >
      <Stack>
        {chain && (
          <Alert
            role="status"
            color={chain.ok ? 'sea' : 'red'}
            variant="light"
            icon={chain.ok ? <IconShieldCheck /> : <IconShieldX />}
          >
            {chain.ok ? t.whole(count(chain.entries)) : t.broken(chain.brokenAt)}
          </Alert>
        )}
        <Scrolling label={strings.tabs.audit} minWidth={760}>
          <Table verticalSpacing={6} fz="sm" className="numbers" data-testid="audit">
            <Table.Thead>
              <Table.Tr>
                {[
                  t.columns.seq,
                  t.columns.at,
                  t.columns.actor,
                  t.columns.action,
                  t.columns.detail,
                  t.columns.hash,
                ].map((name) => (
                  <Table.Th key={name}>{name}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {shown.map((entry) => (
                <Table.Tr key={entry.seq}>
                  <Table.Td>{entry.seq}</Table.Td>
                  <Table.Td style={{ whiteSpace: 'nowrap' }}>{exactText(entry.at)}</Table.Td>
                  <Table.Td>{actorName(entry.actor, clinics)}</Table.Td>
                  <Table.Td>
                    <code>{entry.action}</code>
                  </Table.Td>
                  <Table.Td>
                    <Text
                      size="sm"
                      lineClamp={2}
                      style={{ overflowWrap: 'anywhere' }}
                      title={detailText(entry.detail)}
                    >
                      {sentenceOf(entry, study)?.text ?? detailText(entry.detail)}
                    </Text>
                  </Table.Td>
                  <Table.Td>
                    <code title={entry.hash}>{entry.hash.slice(0, 8)}</code>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Scrolling>
        {first > 1 && (
          <Group justify="center">
            <Button
              variant="subtle"
              loading={busy === 'more'}
              onClick={() =>
                void run('more', async () => {
                  const page = await api.auditPage(id, first);
                  setOlder((before) => [...before, ...page]);
                })
              }
            >
              {t.more}
            </Button>
          </Group>
        )}
      </Stack>
    </Panel>
  );
}
