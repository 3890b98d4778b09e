// Collect: the clinic's photographs, and adding them from the camera, files or a folder.
import {
  Badge,
  Button,
  Card,
  Center,
  Group,
  Modal,
  Paper,
  Progress,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Text,
  ThemeIcon,
  Title,
  UnstyledButton,
} from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconCamera, IconFolder, IconPhoto, IconPhotoPlus } from '@tabler/icons-react';
import { useCallback, useEffect, useRef, useState } from 'react';
import { ErrorNote } from '../parts/error-note.js';
import { ImportReport } from '../parts/import-report.js';
import { NewPhotograph } from '../parts/new-photograph.js';
import { Page } from '../parts/page.js';
import { PhotographEditor } from '../parts/photograph-editor.js';
import { PickFiles, picksFolders } from '../parts/pick-files.js';
import { Thumbnail } from '../parts/stored-image.js';
import { useTask } from '../parts/use-task.js';
import { type Imported, importFiles } from '../photographs/import-files.js';
import { isForeign, type Photograph, trains } from '../photographs/photograph.js';
import type { LabelSet } from '../../../common/model/labels.js';
import { useSession } from '../session/app-state.js';
import { diagnosisName, STRINGS } from '../strings/index.js';

const text = STRINGS.collect;
type Filter = keyof typeof text.filters;
const PASSES: Readonly<Record<Filter, (photograph: Photograph, labels: LabelSet) => boolean>> = {
  all: () => true,
  unlabelled: (p) => p.fields.diagnostic === undefined,
  doubtful: (p, labels) => p.quality.length > 0 || isForeign(p, labels),
};

export function PhotographsPage() {
  const { collection, labels } = useSession();
  const [all, setAll] = useState<readonly Photograph[]>();
  const [filter, setFilter] = useState<Filter>('all');
  const [edited, setEdited] = useState<Photograph>();
  const [adding, setAdding] = useState<{ from: 'camera' } | { from: 'file'; file: File }>();
  const [progress, setProgress] = useState<readonly [done: number, of: number]>();
  const [imported, setImported] = useState<Imported>();
  const stop = useRef<AbortController>(undefined);
  const { error, run } = useTask();
  const phone = useMediaQuery('(max-width: 48em)');
  const refresh = useCallback(
    async () => setAll((await collection.list()).toReversed()),
    [collection],
  );
  useEffect(() => void run(refresh), [refresh, run]);

  const importAll = (files: File[]) => {
    if (files.length === 0) return;
    if (files.length === 1 && files[0]!.type.startsWith('image/'))
      return setAdding({ from: 'file', file: files[0]! });
    setImported(undefined);
    void run(async () => {
      stop.current = new AbortController();
      try {
        setImported(
          await importFiles(
            files,
            collection,
            (done, of) => setProgress([done, of]),
            stop.current.signal,
          ),
        );
      } finally {
        setProgress(undefined);
        await refresh();
      }
    });
  };

  const buttons = (
    <Group gap="xs" {...(all?.length === 0 && { justify: 'center' })}>
      <Button
        leftSection={<IconCamera size={20} aria-hidden />}
        onClick={() => setAdding({ from: 'camera' })}
      >
        {text.camera}
      </Button>
      <PickFiles
        multiple
        table
        variant="default"
        leftSection={<IconPhotoPlus size={20} aria-hidden />}
        onFiles={importAll}
        data-testid="add-files"
      >
        {text.files}
      </PickFiles>
      {picksFolders && (
        <PickFiles
          folder
          variant="default"
          leftSection={<IconFolder size={20} aria-hidden />}
          onFiles={importAll}
          data-testid="import-folder"
        >
          {text.folder}
        </PickFiles>
      )}
    </Group>
  );
  const shown = all?.filter((p) => PASSES[filter](p, labels)) ?? [];
  const foreign = all?.filter((p) => isForeign(p, labels)) ?? [];

  return (
    <Page
      title={text.title}
      lead={
        all
          ? text.count(all.length, all.filter((p) => trains(p, labels)).length)
          : STRINGS.common.working
      }
      actions={all && all.length > 0 ? buttons : undefined}
      width={1080}
    >
      {progress && (
        <Paper withBorder p="md">
          <Group justify="space-between" mb="xs">
            <Text size="sm" aria-live="polite">
              {text.importing(...progress)}
            </Text>
            <Button size="compact-sm" variant="subtle" onClick={() => stop.current?.abort()}>
              {text.stop}
            </Button>
          </Group>
          <Progress
            value={(100 * progress[0]) / Math.max(1, progress[1])}
            aria-label={text.importing(...progress)}
          />
        </Paper>
      )}
      <ErrorNote error={error} />
      {imported && <ImportReport imported={imported} onClose={() => setImported(undefined)} />}
      {all?.length === 0 && !progress && (
        <Paper withBorder p="xl" ta="center">
          <ThemeIcon size={64} radius="xl" variant="light" mb="md">
            <IconPhoto size={34} aria-hidden />
          </ThemeIcon>
          <Title order={2}>{text.empty}</Title>
          <Text c="dimmed" maw={440} mx="auto" mt={4} mb="lg">
            {text.emptyText}
          </Text>
          <Center>{buttons}</Center>
          {picksFolders && (
            <Text size="sm" c="dimmed" mt="md">
              {text.folderHint}
            </Text>
          )}
        </Paper>
      )}
      {all && all.length > 0 && (
        <>
          {foreign.length > 0 && (
            <Text size="sm" c="dimmed">
              {text.foreignNote(
                foreign.length,
                [...new Set(foreign.map((p) => diagnosisName(p.fields.diagnostic!)))],
                labels.names.map(diagnosisName),
              )}
            </Text>
          )}
          <SegmentedControl
            aria-label={text.title}
            value={filter}
            onChange={(value) => setFilter(value)}
            fullWidth={phone ?? false}
            style={{ alignSelf: 'flex-start' }}
            data={(Object.keys(PASSES) as Filter[]).map((value) => ({
              value,
              label: `${text.filters[value]} ${all.filter((p) => PASSES[value](p, labels)).length}`,
            }))}
          />
          {shown.length === 0 && <Text c="dimmed">{text.none}</Text>}
          <SimpleGrid
            cols={{ base: 2, xs: 3, sm: 4, md: 5 }}
            spacing="sm"
            component="ul"
            style={{ listStyle: 'none', margin: 0, padding: 0 }}
          >
            {shown.map((photograph) => (
              <Tile
                key={photograph.id}
                photograph={photograph}
                foreign={isForeign(photograph, labels)}
                onOpen={() => setEdited(photograph)}
              />
            ))}
          </SimpleGrid>
        </>
      )}
      <Modal
        opened={edited !== undefined}
        onClose={() => setEdited(undefined)}
        title={text.edit}
        size="lg"
        fullScreen={phone ?? false}
        closeButtonProps={{ 'aria-label': STRINGS.common.close }}
      >
        {edited && (
          <PhotographEditor
            photograph={edited}
            onDone={() => (setEdited(undefined), void refresh())}
          />
        )}
      </Modal>
      <Modal
        opened={adding !== undefined}
        onClose={() => setAdding(undefined)}
        title={adding?.from === 'camera' ? STRINGS.camera.title : text.edit}
        size="lg"
        fullScreen={phone ?? false}
        closeButtonProps={{ 'aria-label': STRINGS.common.close }}
      >
        {adding && (
          <NewPhotograph
            file={adding.from === 'file' ? adding.file : undefined}
            onDone={() => (setAdding(undefined), void refresh())}
          />
        )}
      </Modal>
    </Page>
  );
}

function Tile({
  photograph,
  foreign,
  onOpen,
}: {
  photograph: Photograph;
  foreign: boolean;
  onOpen: () => void;
}) {
  const { fields, quality, name } = photograph;
  const diagnosis =
    fields.diagnostic === undefined ? text.noDiagnosis : diagnosisName(fields.diagnostic);
  return (
    <li style={{ contentVisibility: 'auto', containIntrinsicSize: '180px 240px' }}>
      <UnstyledButton onClick={onOpen} w="100%">
        <Card withBorder padding={0} radius="md">
          <Card.Section>
            <Thumbnail photograph={photograph} alt="" />
          </Card.Section>
          <Stack gap={2} p="xs">
            <Text
              size="sm"
              fw={600}
              truncate
              {...((fields.diagnostic === undefined || foreign) && { c: 'dimmed' })}
            >
              {diagnosis}
            </Text>
            <Group gap={4} justify="space-between" wrap="nowrap">
              <Text size="xs" c="dimmed" truncate>
                {fields.patient_id ?? name}
              </Text>
              {foreign ? (
                <Badge size="xs" color="gray" variant="light" style={{ flexShrink: 0 }}>
                  {text.foreign}
                </Badge>
              ) : quality.length > 0 ? (
                <Badge size="xs" color="yellow" variant="light" style={{ flexShrink: 0 }}>
                  {text.toCheck}
                </Badge>
              ) : fields.split && fields.split !== 'train' ? (
                <Badge size="xs" color="gray" variant="light" style={{ flexShrink: 0 }}>
                  {text.apart}
                </Badge>
              ) : null}
            </Group>
          </Stack>
        </Card>
      </UnstyledButton>
    </li>
  );
}
