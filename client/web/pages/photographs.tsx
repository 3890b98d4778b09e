// Collect: the clinic's photographs, and adding them from the camera, files or a folder.
import {
  Affix,
  Button,
  Center,
  Group,
  Modal,
  Paper,
  Progress,
  SegmentedControl,
  Text,
  ThemeIcon,
  Title,
} from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import {
  IconCamera,
  IconFolder,
  IconListCheck,
  IconPhoto,
  IconPhotoPlus,
} from '@tabler/icons-react';
import { useCallback, useEffect, useRef, useState } from 'react';
import { DescribeMany } from '../parts/describe-many.js';
import { ErrorNote } from '../parts/error-note.js';
import { ImportReport } from '../parts/import-report.js';
import { NewPhotograph } from '../parts/new-photograph.js';
import { Page } from '../parts/page.js';
import { type Neighbours, PhotographEditor } from '../parts/photograph-editor.js';
import { inGridOrder, PhotographGrid } from '../parts/photograph-grid.js';
import { PickFiles, picksFolders } from '../parts/pick-files.js';
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
  /** Ids of the photographs that the editor goes through: as they were shown when it was opened. */
  const [queue, setQueue] = useState<readonly string[]>([]);
  const [selected, setSelected] = useState<ReadonlySet<string>>();
  const [describing, setDescribing] = useState(false);
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
    setImported(undefined);
    if (files.length === 1 && files[0]!.type.startsWith('image/'))
      return setAdding({ from: 'file', file: files[0]! });
    void run(async () => {
      stop.current = new AbortController();
      try {
        setImported(
          await importFiles(
            files,
            collection,
            labels,
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
        onClick={() => (setImported(undefined), setAdding({ from: 'camera' }))}
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
  const openEditor = (photograph: Photograph) => {
    setQueue(inGridOrder(shown).map(({ id }) => id));
    setEdited(photograph);
  };
  const saved = (before: Photograph, after: Photograph) => {
    const now = (id: string) => (id === before.id ? after.id : id);
    setAll((list) => list?.map((p) => (p.id === before.id ? after : p)));
    setQueue((ids) => ids.map(now));
  };
  const chosen = all?.filter(({ id }) => selected?.has(id)) ?? [];
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
          <Group justify="space-between" gap="xs">
            <SegmentedControl
              aria-label={text.title}
              value={filter}
              onChange={(value) => setFilter(value)}
              fullWidth={phone ?? false}
              size={phone ? 'xs' : 'sm'}
              style={{ alignSelf: 'flex-start' }}
              data={(Object.keys(PASSES) as Filter[]).map((value) => ({
                value,
                label: `${text.filters[value]} ${all.filter((p) => PASSES[value](p, labels)).length}`,
              }))}
            />
            {shown.length > 0 && (
              <Button
                variant={selected ? 'filled' : 'default'}
                size="sm"
                leftSection={<IconListCheck size={18} aria-hidden />}
                onClick={() => setSelected(selected ? undefined : new Set())}
              >
                {selected ? text.many.stop : text.many.select}
              </Button>
            )}
          </Group>
          {selected && (
            <Text size="sm" c="dimmed">
              {text.many.help} <span className="with-keyboard">{text.many.helpKeys}</span>
            </Text>
          )}
          {shown.length === 0 && <Text c="dimmed">{text.none}</Text>}
          <PhotographGrid
            photographs={shown}
            selected={selected}
            onOpen={openEditor}
            onSelect={setSelected}
            onSubmit={() => chosen.length > 0 && setDescribing(true)}
            onEscape={() => setSelected(undefined)}
          />
        </>
      )}
      <Modal
        opened={edited !== undefined}
        onClose={() => setEdited(undefined)}
        title={edited ? text.editOf(queue.indexOf(edited.id) + 1, queue.length) : ''}
        size="xl"
        fullScreen={phone ?? false}
        closeButtonProps={{ 'aria-label': STRINGS.common.close }}
      >
        {edited && (
          <PhotographEditor
            key={edited.id}
            photograph={edited}
            neighbours={neighboursOf(edited, queue, all ?? [])}
            onSaved={saved}
            onGo={setEdited}
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
      <Modal
        opened={describing}
        onClose={() => setDescribing(false)}
        title={text.many.title(chosen.length)}
        size="lg"
        fullScreen={phone ?? false}
        closeButtonProps={{ 'aria-label': STRINGS.common.close }}
      >
        {describing && (
          <DescribeMany
            photographs={chosen}
            onCancel={() => setDescribing(false)}
            onDone={() => (setDescribing(false), setSelected(new Set()), void refresh())}
          />
        )}
      </Modal>
      {selected && (
        <Affix
          position={{ bottom: phone ? 'calc(72px + env(safe-area-inset-bottom))' : 16, right: 16 }}
          zIndex={100}
          maw="calc(100vw - 32px)"
        >
          <Paper withBorder shadow="md" p="xs" role="toolbar" aria-label={text.many.select}>
            <Group gap="xs">
              <Text size="sm" fw={600} px="xs" aria-live="polite">
                {text.many.selected(chosen.length)}
              </Text>
              <Button
                size="sm"
                variant="default"
                onClick={() =>
                  setSelected(
                    chosen.length === shown.length ? new Set() : new Set(shown.map(({ id }) => id)),
                  )
                }
              >
                {chosen.length === shown.length ? text.many.none : text.many.all}
              </Button>
              <Button size="sm" disabled={chosen.length === 0} onClick={() => setDescribing(true)}>
                {text.many.describe}
              </Button>
            </Group>
          </Paper>
        </Affix>
      )}
    </Page>
  );
}

/** Where the editor may go from here, in the order of its queue. */
function neighboursOf(
  { id }: Photograph,
  queue: readonly string[],
  all: readonly Photograph[],
): Neighbours {
  const byId = new Map(all.map((photograph) => [photograph.id, photograph]));
  const inQueue = queue.flatMap((one) => byId.get(one) ?? []);
  const at = inQueue.findIndex((photograph) => photograph.id === id);
  return {
    before: inQueue[at - 1],
    next: inQueue[at + 1],
    nextUnlabelled: [...inQueue.slice(at + 1), ...inQueue.slice(0, Math.max(0, at))].find(
      ({ fields }) => fields.diagnostic === undefined,
    ),
  };
}
