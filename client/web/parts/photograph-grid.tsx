// The photographs as a grid, patient by patient: opened one by one, or selected several at once, with
// pointer or keyboard.
import {
  Badge,
  Card,
  Checkbox,
  Group,
  SimpleGrid,
  Stack,
  Text,
  Title,
  UnstyledButton,
} from '@mantine/core';
import { type KeyboardEvent, useEffect, useRef } from 'react';
import { byPatient, type Group as PatientGroup } from '../photographs/by-patient.js';
import { isForeign, type Photograph } from '../photographs/photograph.js';
import { useSession } from '../session/app-state.js';
import { diagnosisName, STRINGS } from '../strings/index.js';
import { Thumbnail } from './stored-image.js';

const text = STRINGS.collect;

/** In the order in which the grid shows them. */
export const inGridOrder = (photographs: readonly Photograph[]): readonly Photograph[] =>
  byPatient(photographs).flatMap((group) => group.photographs);

const headingOf = ({ kind, patient, photographs }: PatientGroup): string =>
  kind === 'several'
    ? text.patient(patient!, photographs.length)
    : kind === 'single'
      ? text.single
      : text.noPatient;

export function PhotographGrid({
  photographs,
  selected,
  onOpen,
  onSelect,
  onSubmit,
  onEscape,
}: {
  photographs: readonly Photograph[];
  /** Ids; absent while photographs are opened, not selected. */
  selected: ReadonlySet<string> | undefined;
  onOpen: (photograph: Photograph) => void;
  onSelect: (ids: ReadonlySet<string>) => void;
  /** Enter, while selecting. */
  onSubmit: () => void;
  onEscape: () => void;
}) {
  const grid = useRef<HTMLDivElement>(null);
  /** Where the last selection began: with Shift, it goes on from there. */
  const anchor = useRef<string>(undefined);
  const selecting = selected !== undefined;
  // The keys that select are pressed in the grid.
  useEffect(() => {
    if (selecting)
      grid.current!.querySelector<HTMLElement>('[data-photograph]')?.focus({ preventScroll: true });
  }, [selecting]);
  const groups = byPatient(photographs);
  const order = groups.flatMap((group) => group.photographs.map(({ id }) => id));

  const toggle = (id: string, upTo: boolean) => {
    const [from, to] = [order.indexOf(anchor.current ?? id), order.indexOf(id)];
    if (upTo && from >= 0)
      return onSelect(
        new Set([...selected!, ...order.slice(Math.min(from, to), Math.max(from, to) + 1)]),
      );
    anchor.current = id;
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    onSelect(next);
  };
  const press = (event: KeyboardEvent) => {
    const arrow = event.key.startsWith('Arrow') ? event.key : undefined;
    const tile = (event.target as Element).closest<HTMLElement>('[data-photograph]');
    if (arrow && tile) {
      const to = neighbour(grid.current!, tile, arrow);
      event.preventDefault();
      to?.focus();
      if (selected && event.shiftKey && to) {
        anchor.current ??= tile.dataset['photograph'];
        toggle(to.dataset['photograph']!, true);
      }
    } else if (!selected) return;
    else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) onSelect(new Set(order));
    else if (event.key === 'Enter') onSubmit();
    else if (event.key === 'Escape') onEscape();
    else return;
    event.preventDefault();
  };
  return (
    <Stack gap="lg" ref={grid} onKeyDown={press}>
      {groups.map((group) => (
        <section key={group.patient ?? group.kind} aria-label={headingOf(group)}>
          {(groups.length > 1 || group.kind === 'several') && (
            <Title order={2} size="h6" mb="xs">
              {headingOf(group)}
            </Title>
          )}
          <SimpleGrid
            cols={{ base: 2, xs: 3, sm: 4, md: 5 }}
            spacing="sm"
            component="ul"
            style={{ listStyle: 'none', margin: 0, padding: 0 }}
          >
            {group.photographs.map((photograph) => (
              <Tile
                key={photograph.id}
                photograph={photograph}
                selected={selected?.has(photograph.id)}
                onPress={(shift) => (selected ? toggle(photograph.id, shift) : onOpen(photograph))}
              />
            ))}
          </SimpleGrid>
        </section>
      ))}
    </Stack>
  );
}

/** The tile that lies in an arrow's direction. */
function neighbour(grid: HTMLElement, from: HTMLElement, arrow: string): HTMLElement | undefined {
  const tiles = [...grid.querySelectorAll<HTMLElement>('[data-photograph]')];
  const at = tiles.indexOf(from);
  if (arrow === 'ArrowLeft') return tiles[at - 1];
  if (arrow === 'ArrowRight') return tiles[at + 1];
  const here = from.getBoundingClientRect();
  const below = arrow === 'ArrowDown';
  const far = (tile: HTMLElement): number => {
    const { top, left } = tile.getBoundingClientRect();
    const down = below ? top - here.top : here.top - top;
    // The nearest row first, and in it the nearest column.
    return down < 2 ? Infinity : 1000 * down + Math.abs(left - here.left);
  };
  const best = tiles.reduce((a, b) => (far(b) < far(a) ? b : a));
  return Number.isFinite(far(best)) ? best : undefined;
}

function Tile({
  photograph,
  selected,
  onPress,
}: {
  photograph: Photograph;
  /** Absent while nothing is selected at all. */
  selected: boolean | undefined;
  onPress: (shift: boolean) => void;
}) {
  const { labels } = useSession();
  const { id, fields, quality, name } = photograph;
  const foreign = isForeign(photograph, labels);
  const diagnosis =
    fields.diagnostic === undefined ? text.noDiagnosis : diagnosisName(fields.diagnostic);
  const selecting = selected !== undefined;
  return (
    <li style={{ contentVisibility: 'auto', containIntrinsicSize: '180px 240px' }}>
      <UnstyledButton
        onClick={(event) => onPress(event.shiftKey)}
        w="100%"
        data-photograph={id}
        {...(selecting && {
          role: 'checkbox',
          'aria-checked': selected,
          'aria-label': `${diagnosis}, ${fields.patient_id ?? name}`,
        })}
      >
        <Card
          withBorder
          padding={0}
          radius="md"
          pos="relative"
          {...(selected && {
            style: { outline: '3px solid var(--mantine-primary-color-filled)', outlineOffset: -1 },
          })}
        >
          <Card.Section>
            <Thumbnail photograph={photograph} alt="" />
          </Card.Section>
          {selecting && (
            <Checkbox.Indicator
              checked={selected}
              size="md"
              pos="absolute"
              top={8}
              left={8}
              aria-hidden
            />
          )}
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
