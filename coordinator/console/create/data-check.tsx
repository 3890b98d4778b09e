// Shows what the coordinator finds at the path of the evaluation photographs.
import { Button, Group, List, Text } from '@mantine/core';
import { useState } from 'react';
import type { DatasetCounts } from '../../../common/protocol/console.js';
import { api, type ApiError } from '../api.js';
import { count } from '../format.js';
import { strings } from '../strings/index.js';
import { asApiError } from '../ui.js';

const t = strings.create.data;

/** `seed` is null while none can be used. */
export function DataCheck({ data, seed }: { data: string; seed: number | null }) {
  const [busy, setBusy] = useState(false);
  const [found, setFound] = useState<{
    data: string;
    counts?: DatasetCounts;
    error?: ApiError;
  } | null>(null);
  const look = () => {
    if (seed === null) return;
    setBusy(true);
    api
      .inspect(data, seed)
      .then((counts) => setFound({ data, counts }))
      .catch((thrown: unknown) => setFound({ data, error: asApiError(thrown) }))
      .finally(() => setBusy(false));
  };
  const current = found?.data === data ? found : null;
  const splits = (split: string) =>
    Object.values(current?.counts?.bySplit ?? {}).reduce((n, of) => n + (of[split] ?? 0), 0);
  return (
    <Group gap="sm" mt="xs" role="status">
      <Button
        size="compact-sm"
        variant="light"
        onClick={look}
        loading={busy}
        disabled={data === '' || seed === null}
      >
        {t.check}
      </Button>
      {current?.error && (
        <Text size="sm" c="var(--mantine-color-error)">
          {current.error.message} {current.error.remedy}
        </Text>
      )}
      {current?.counts && (
        <Text size="sm">
          {t.found(
            count(current.counts.samples),
            count(current.counts.patients),
            splits('validation'),
            splits('heldout'),
          )}
          {current.counts.problems > 0 && ` ${t.problems(current.counts.problems)}`}
          {(splits('validation') === 0 || splits('heldout') === 0) && ` ${t.missing}`}
        </Text>
      )}
      {current?.counts && current.counts.remarks.length > 0 && (
        <List size="xs" c="dimmed">
          {current.counts.remarks.map((remark) => (
            <List.Item key={remark}>{remark}</List.Item>
          ))}
        </List>
      )}
    </Group>
  );
}
