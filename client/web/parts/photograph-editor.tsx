// One photograph of the collection: enlarged, with its quality, its fields, a crop, and deletion;
// and the way to the next one, by keyboard too.
import { Button, Group, Kbd, SimpleGrid, Stack, Text } from '@mantine/core';
import {
  IconArrowLeft,
  IconArrowRight,
  IconCrop,
  IconPlayerTrackNext,
  IconTrash,
} from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import type { Examined } from '../photographs/collection.js';
import { type Fields, invalidFields, type Photograph } from '../photographs/photograph.js';
import { useSession } from '../session/app-state.js';
import { date } from '../strings/format.js';
import { diagnosisName, STRINGS } from '../strings/index.js';
import { Crop } from './crop.js';
import { ErrorNote } from './error-note.js';
import { FieldsForm, InvalidFields } from './fields-form.js';
import { Findings } from './findings.js';
import { useKeys } from './keys.js';
import { useImage, useObjectUrl } from './stored-image.js';
import { useTask } from './use-task.js';

const text = STRINGS.collect;

/** Where the editor may go; undefined where there is none. */
export interface Neighbours {
  readonly before: Photograph | undefined;
  readonly next: Photograph | undefined;
  readonly nextUnlabelled: Photograph | undefined;
}

export function PhotographEditor({
  photograph,
  neighbours: { before, next, nextUnlabelled },
  onSaved,
  onGo,
  onDone,
}: {
  photograph: Photograph;
  neighbours: Neighbours;
  /** What was shown is kept in a new form. */
  onSaved: (before: Photograph, after: Photograph) => void;
  /** Shows another photograph; what was typed is saved by then. */
  onGo: (to: Photograph) => void;
  onDone: () => void;
}) {
  const { collection, labels } = useSession();
  const [fields, setFields] = useState<Fields>(photograph.fields);
  const [deleting, setDeleting] = useState(false);
  const [cropping, setCropping] = useState(false);
  const [part, setPart] = useState<{ file: File; found: Examined }>();
  const [tried, setTried] = useState(false);
  const { busy, error, run } = useTask();
  const stored = useImage(photograph);
  const url = useObjectUrl(part?.file ?? stored);
  const { name, added } = photograph;
  const { width, height, quality } = part?.found ?? photograph;
  const wrong = invalidFields(fields);
  // The keys act as soon as a photograph is shown.
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => frame.current?.focus(), []);

  const saveAnd = (then: () => void) => {
    if (busy) return;
    setTried(true);
    if (wrong.length > 0) return;
    void run(async () => {
      const kept = part ? await collection.replace(photograph, part.found) : photograph;
      onSaved(photograph, await collection.describe(kept, fields));
      then();
    });
  };
  const go = (to: Photograph | undefined) => to && saveAnd(() => onGo(to));
  const saveAndNext = () => saveAnd(() => (next ? onGo(next) : onDone()));
  useKeys({
    Enter: saveAndNext,
    ArrowRight: () => go(next),
    ArrowLeft: () => go(before),
    n: () => go(nextUnlabelled),
    ...Object.fromEntries(
      labels.names
        .slice(0, 9)
        .map((label, i) => [String(i + 1), () => setFields({ ...fields, diagnostic: label })]),
    ),
  });

  if (cropping && stored)
    return (
      <Crop
        image={stored}
        name={name}
        onCancel={() => setCropping(false)}
        onDone={async (file) => {
          setPart({ file, found: await collection.examine(file, file.name) });
          setCropping(false);
        }}
      />
    );
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg">
      <Stack gap="sm">
        <div
          ref={frame}
          tabIndex={-1}
          data-autofocus
          style={{
            outline: 'none',
            aspectRatio: `${width} / ${height}`,
            maxHeight: '42dvh',
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
        <QuickDiagnoses
          chosen={fields.diagnostic}
          onChoose={(label) => setFields({ ...fields, diagnostic: label })}
        />
        <Group grow preventGrowOverflow={false}>
          <Button
            variant="default"
            px="xs"
            leftSection={<IconArrowLeft size={18} aria-hidden />}
            disabled={!before}
            onClick={() => go(before)}
          >
            {text.before}
          </Button>
          <Button
            px="xs"
            rightSection={next && <IconArrowRight size={18} aria-hidden />}
            loading={busy}
            onClick={saveAndNext}
          >
            {next ? text.saveAndNext : STRINGS.common.save}
          </Button>
        </Group>
        {/* Beside each of the buttons that save. */}
        {tried && <InvalidFields wrong={wrong} />}
        {nextUnlabelled && (
          <Button
            variant="light"
            rightSection={<IconPlayerTrackNext size={18} aria-hidden />}
            onClick={() => go(nextUnlabelled)}
          >
            {text.nextUnlabelled}
          </Button>
        )}
        <Text size="sm" c="dimmed" visibleFrom="sm">
          {text.keys.lead} <Kbd>1</Kbd>–<Kbd>{Math.min(9, labels.names.length)}</Kbd>{' '}
          {text.keys.diagnosis}, <Kbd>{text.keys.enter}</Kbd> {text.keys.next}, <Kbd>←</Kbd>{' '}
          <Kbd>→</Kbd> {text.keys.move}, <Kbd>N</Kbd> {text.keys.unlabelled}.
        </Text>
        <Group justify="space-between" align="flex-start" wrap="nowrap">
          <div style={{ minWidth: 0 }}>
            <Text fw={600} truncate>
              {name}
            </Text>
            <Text size="sm" c="dimmed">
              {text.size(width, height)}
            </Text>
            <Text size="sm" c="dimmed">
              {text.added(date(added, 'medium'))}
            </Text>
          </div>
          <Button
            size="sm"
            variant="default"
            style={{ flexShrink: 0 }}
            leftSection={<IconCrop size={18} aria-hidden />}
            disabled={!stored}
            onClick={() => setCropping(true)}
          >
            {STRINGS.crop.button}
          </Button>
        </Group>
        <Findings quality={quality} quiet />
        {part && <Text size="sm">{STRINGS.crop.kept}</Text>}
      </Stack>
      <Stack>
        <FieldsForm fields={fields} onChange={setFields} />
        {tried && <InvalidFields wrong={wrong} />}
        <ErrorNote error={error} />
        {deleting ? (
          <Stack gap="xs">
            <Text size="sm">
              <b>{text.delete}</b> {text.deleteText}
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
            <Button variant="default" onClick={() => saveAnd(onDone)}>
              {text.saveAndClose}
            </Button>
          </Group>
        )}
      </Stack>
    </SimpleGrid>
  );
}

/** The study's diagnoses, one tap or key each. */
function QuickDiagnoses({
  chosen,
  onChoose,
}: {
  chosen: string | undefined;
  onChoose: (label: string) => void;
}) {
  const { labels } = useSession();
  return (
    <Group gap={6} role="group" aria-label={text.quick} data-testid="quick-diagnoses">
      {labels.names.map((label, i) => (
        <Button
          key={label}
          size="compact-sm"
          variant={label === chosen ? 'filled' : 'default'}
          aria-pressed={label === chosen}
          onClick={() => onChoose(label)}
        >
          {i < 9 ? `${i + 1} ` : ''}
          {diagnosisName(label)}
        </Button>
      ))}
    </Group>
  );
}
