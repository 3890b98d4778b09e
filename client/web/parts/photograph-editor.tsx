// One photograph of the collection: enlarged, with its quality, its fields, and deletion.
import { Button, Group, SimpleGrid, Stack, Text } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import type { Fields, Photograph } from '../photographs/photograph.js';
import { useSession } from '../session/app-state.js';
import { STRINGS } from '../strings/index.js';
import { ErrorNote } from './error-note.js';
import { FieldsForm } from './fields-form.js';
import { Findings } from './findings.js';
import { useImage, useObjectUrl } from './stored-image.js';
import { useTask } from './use-task.js';

export function PhotographEditor({
  photograph,
  onDone,
}: {
  photograph: Photograph;
  onDone: () => void;
}) {
  const { collection } = useSession();
  const [fields, setFields] = useState<Fields>(photograph.fields);
  const [deleting, setDeleting] = useState(false);
  const { busy, error, run } = useTask();
  const url = useObjectUrl(useImage(photograph));
  const { name, width, height, added, quality } = photograph;
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg">
      <Stack gap="sm">
        <div
          style={{
            aspectRatio: `${width} / ${height}`,
            maxHeight: '50dvh',
            borderRadius: 12,
            overflow: 'hidden',
            background: 'var(--mantine-color-default-hover)',
          }}
        >
          {url && (
            <img
              src={url}
              alt={name}
              style={{ width: '100%', height: '100%', objectFit: 'contain' }}
            />
          )}
        </div>
        <div>
          <Text fw={600} style={{ wordBreak: 'break-all' }}>
            {name}
          </Text>
          <Text size="sm" c="dimmed">
            {STRINGS.collect.size(width, height)}
          </Text>
          <Text size="sm" c="dimmed">
            {STRINGS.collect.added(
              new Date(added).toLocaleDateString('en', { dateStyle: 'medium' }),
            )}
          </Text>
        </div>
        <Findings quality={quality} quiet />
      </Stack>
      <Stack>
        <FieldsForm fields={fields} onChange={setFields} />
        <ErrorNote error={error} />
        {deleting ? (
          <Stack gap="xs">
            <Text size="sm">
              <b>{STRINGS.collect.delete}</b> {STRINGS.collect.deleteText}
            </Text>
            <Group grow>
              <Button variant="default" onClick={() => setDeleting(false)}>
                {STRINGS.common.cancel}
              </Button>
              <Button
                color="red"
                loading={busy}
                onClick={() =>
                  void run(async () => (await collection.remove(photograph), onDone()))
                }
              >
                {STRINGS.common.delete}
              </Button>
            </Group>
          </Stack>
        ) : (
          <Group justify="space-between">
            <Button
              variant="subtle"
              color="red"
              leftSection={<IconTrash size={18} aria-hidden />}
              onClick={() => setDeleting(true)}
            >
              {STRINGS.common.delete}
            </Button>
            <Button
              loading={busy}
              onClick={() =>
                void run(async () => (await collection.describe(photograph, fields), onDone()))
              }
            >
              {STRINGS.common.save}
            </Button>
          </Group>
        )}
      </Stack>
    </SimpleGrid>
  );
}
