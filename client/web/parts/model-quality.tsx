// What is known of a model: the round that it really comes from, and how good it was on the study's
// held-out patients.
import { Anchor, Collapse, Stack, Table, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { Interval } from '../../../common/evaluation/metrics.js';
import type { StudyModels } from '../../../common/protocol/study-models.js';
import type { UsableModel } from '../session/models.js';
import { decimal, number } from '../strings/format.js';
import { STRINGS } from '../strings/index.js';

const text = STRINGS.models;

const roundName = (round: number): string => (round === 0 ? text.start : text.round(round));

/** As the study's console labels it. */
export function modelName({ kind, round, startOf }: UsableModel): string {
  if (kind === 'own') return text.own(round!);
  if (round === undefined) return text.startOf(startOf!);
  return text[kind](roundName(round));
}

/** A share in whole tenths, such as 8 of 10; the counts themselves where that would round to all or none. */
function tenths(some: number, all: number): readonly [number, number] {
  const rounded = Math.round((10 * some) / all);
  const exact = some === 0 || some === all;
  return all >= 10 && (exact || (rounded > 0 && rounded < 10)) ? [rounded, 10] : [some, all];
}

/** How good a model is, in one sentence. */
export function QualitySentence({ model: { kind, heldout } }: { model: UsableModel }) {
  if (!heldout) return <Text size="sm">{kind === 'own' ? text.ownUnknown : text.unknown}</Text>;
  const point = heldout.operatingPoint;
  if (!point || point.malignant === 0 || point.benign === 0) return null;
  return (
    <Text size="sm">
      {text.finds(tenths(point.found, point.malignant), tenths(point.falseAlarms, point.benign))}
    </Text>
  );
}

export function ModelQuality({
  model,
  told,
}: {
  model: UsableModel;
  told: StudyModels | undefined;
}) {
  const [more, { toggle }] = useDisclosure();
  const { kind, heldout } = model;
  return (
    <Stack gap={4} data-testid="model-quality">
      <Text size="sm" fw={600} data-testid="model-name">
        {modelName(model)}
        {kind === 'best' && told ? `, ${text.chosenBy(text.metrics[told.select])}` : ''}
      </Text>
      <QualitySentence model={model} />
      {heldout && (
        <>
          <Text size="sm" c="dimmed">
            {text.measured(heldout.samples)}
          </Text>
          <Anchor
            component="button"
            size="sm"
            ta="start"
            onClick={toggle}
            aria-expanded={more}
            style={{ alignSelf: 'flex-start' }}
          >
            {STRINGS.common.details}
          </Anchor>
          <Collapse expanded={more}>
            <Figures heldout={heldout} />
          </Collapse>
        </>
      )}
    </Stack>
  );
}

function Figures({ heldout }: { heldout: NonNullable<UsableModel['heldout']> }) {
  const { operatingPoint: point, intervals } = heldout;
  const rows: [string, number | null, Interval | undefined][] = [
    [text.metrics.balancedAccuracy, heldout.balancedAccuracy, intervals.balancedAccuracy],
    [text.metrics.malignantAuc, heldout.malignantAuc, intervals.malignantAuc],
    [text.metrics.accuracy, heldout.accuracy, intervals.accuracy],
  ];
  if (point)
    rows.push(
      [text.sensitivity, point.sensitivity, point.intervals.sensitivity],
      [text.specificity, point.specificity, point.intervals.specificity],
    );
  return (
    <>
      <Table withRowBorders={false} verticalSpacing={2} horizontalSpacing={0} fz="sm">
        <Table.Tbody>
          {rows.map(([name, value, interval]) => (
            <Table.Tr key={name}>
              <Table.Td>{name}</Table.Td>
              <Table.Td ta="end">
                {value === null ? '–' : decimal(value, 2)}
                {interval ? ` (${decimal(interval.low, 2)}–${decimal(interval.high, 2)})` : ''}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Text size="xs" c="dimmed">
        {text.intervals}
        {point ? ` ${text.atThreshold(number(Math.round(100 * point.threshold)))}` : ''}
      </Text>
    </>
  );
}
