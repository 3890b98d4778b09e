// Adds a photograph from the camera or a file: take, check, crop if needed, describe, keep.
import { Button, Group, SimpleGrid, Stack, Text } from '@mantine/core';
import { IconCrop, IconRefresh } from '@tabler/icons-react';
import { useCallback, useEffect, useState } from 'react';
import { stemOf } from '../../../common/images/file-type.js';
import type { Examined } from '../photographs/collection.js';
import { withoutHeic } from '../photographs/heic.js';
import { free } from '../photographs/import-files.js';
import { type Fields, invalidFields } from '../photographs/photograph.js';
import { useSession } from '../session/app-state.js';
import { STRINGS } from '../strings/index.js';
import { Camera } from './camera.js';
import { Crop } from './crop.js';
import { ErrorNote } from './error-note.js';
import { FieldsForm, InvalidFields } from './fields-form.js';
import { Findings } from './findings.js';
import { useObjectUrl } from './stored-image.js';
import { useTask } from './use-task.js';

/** @param file if absent, the camera is used */
export function NewPhotograph({ file, onDone }: { file: File | undefined; onDone: () => void }) {
  const { collection } = useSession();
  const [image, setImage] = useState<File | undefined>(file);
  const [found, setFound] = useState<Examined>();
  const [fields, setFields] = useState<Fields>({});
  const [cropping, setCropping] = useState(false);
  const [tried, setTried] = useState(false);
  const { busy, error, run, setError } = useTask();
  const url = useObjectUrl(image);

  const look = useCallback(
    (next: File) =>
      run(async () => {
        setFound(undefined);
        const shown = await withoutHeic(next);
        setImage(shown);
        setFound(await collection.examine(shown, shown.name));
      }),
    [collection, run],
  );
  useEffect(() => {
    if (file) void look(file);
  }, [file, look]);

  if (!image) return <Camera onPhotograph={(taken) => void look(taken)} />;
  if (cropping)
    return (
      <Crop
        image={image}
        name={stemOf(image.name)}
        onCancel={() => setCropping(false)}
        onDone={async (part) => (setCropping(false), void look(part))}
      />
    );
  // Nothing of it can be shown, cropped or kept.
  if (error && !found && !busy)
    return (
      <Stack>
        <ErrorNote error={error} />
        <Button
          variant="default"
          onClick={() => (file ? onDone() : (setError(undefined), setImage(undefined)))}
        >
          {file ? STRINGS.common.close : STRINGS.camera.again}
        </Button>
      </Stack>
    );
  const wrong = invalidFields(fields);
  const keep = async () => {
    const names = new Set((await collection.list()).map((p) => p.name));
    await collection.add(found!, free(stemOf(image.name), names), fields);
    onDone();
  };
  const poor = found?.quality.some(({ severe }) => severe) ?? false;
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg">
      <Stack gap="sm">
        {url && (
          <img
            src={url}
            alt={STRINGS.camera.preview}
            style={{
              width: '100%',
              maxHeight: '46dvh',
              objectFit: 'contain',
              borderRadius: 12,
              background: 'var(--mantine-color-default-hover)',
            }}
          />
        )}
        <Group gap="xs">
          {!file && (
            <Button
              size="sm"
              variant="default"
              leftSection={<IconRefresh size={18} aria-hidden />}
              onClick={() => (setImage(undefined), setFound(undefined))}
            >
              {STRINGS.camera.again}
            </Button>
          )}
          <Button
            size="sm"
            variant="default"
            leftSection={<IconCrop size={18} aria-hidden />}
            onClick={() => setCropping(true)}
          >
            {STRINGS.crop.button}
          </Button>
        </Group>
        {found ? (
          <Findings quality={found.quality} />
        ) : (
          !error && (
            <Text size="sm" c="dimmed" aria-live="polite">
              {STRINGS.common.working}
            </Text>
          )
        )}
      </Stack>
      <Stack>
        <FieldsForm fields={fields} onChange={setFields} />
        {tried && <InvalidFields wrong={wrong} />}
        <ErrorNote error={error} />
        <Button
          loading={busy}
          disabled={!found}
          {...(poor && { color: 'yellow' })}
          onClick={() => (setTried(true), wrong.length === 0 && void run(keep))}
        >
          {poor ? STRINGS.quality.keep : STRINGS.common.save}
        </Button>
      </Stack>
    </SimpleGrid>
  );
}
