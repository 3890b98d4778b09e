// One round's metrics on one split: confusion matrix, by diagnosis, by skin type; and what each
// clinic sent in it.
import { Badge, Grid, Group, Table, Text, useComputedColorScheme } from '@mantine/core';
import type { Metrics } from '../../../common/evaluation/metrics.js';
import type { LabelSet } from '../../../common/model/labels.js';
import type { ClinicRow, RoundRow, RoundView } from '../../../common/protocol/console.js';
import { bytesText, count, durationText, scoreText } from '../format.js';
import { codeText } from '../reason.js';
import { strings } from '../strings/index.js';
import { Panel, Scrolling } from '../ui.js';
import { Malignancy } from './malignancy.js';

const t = strings.results;

export function RoundMetrics({ metrics, labels }: { metrics: Metrics; labels: LabelSet }) {
  const c = t.columns;
  return (
    <Grid gap="lg">
      <Grid.Col span={12}>
        <Malignancy metrics={metrics} />
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 6 }}>
        <Panel title={t.confusion} text={t.confusionHelp}>
          <Confusion matrix={metrics.confusion} names={labels.names} />
        </Panel>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 6 }}>
        <Panel title={t.perClass}>
          <Scrolling label={t.perClass} minWidth={400}>
            <Table className="numbers" verticalSpacing={7}>
              <Table.Thead>
                <Table.Tr>
                  {[c.diagnosis, c.precision, c.recall, c.f1, c.support].map((name, i) => (
                    <Table.Th key={name} ta={i === 0 ? 'left' : 'right'}>
                      {name}
                    </Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {labels.names.map((name) => {
                  const of = metrics.perClass[name];
                  return (
                    <Table.Tr key={name}>
                      <Table.Td>
                        <Group gap={6} wrap="nowrap">
                          {name}
                          {labels.malignant.includes(name) && (
                            <Badge
                              size="xs"
                              color="orange"
                              variant="light"
                              tt="none"
                              style={{ flexShrink: 0 }}
                              c="var(--mantine-color-text)"
                            >
                              {c.malignant}
                            </Badge>
                          )}
                        </Group>
                      </Table.Td>
                      {[of?.precision, of?.recall, of?.f1].map((value, i) => (
                        <Table.Td key={i} ta="right">
                          {scoreText(value)}
                        </Table.Td>
                      ))}
                      <Table.Td ta="right">{count(of?.support ?? 0)}</Table.Td>
                    </Table.Tr>
                  );
                })}
              </Table.Tbody>
            </Table>
          </Scrolling>
        </Panel>
      </Grid.Col>
      <Grid.Col span={12}>
        <Panel title={t.fitzpatrick} text={t.fitzpatrickHelp}>
          <Scrolling label={t.fitzpatrick} minWidth={560}>
            <Table className="numbers" verticalSpacing={7}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{c.type}</Table.Th>
                  {GROUP_SCORES.map((name) => (
                    <Table.Th key={name} ta="right">
                      {t.metrics[name]}
                    </Table.Th>
                  ))}
                  <Table.Th ta="right">{c.support}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {Object.entries(metrics.byFitzpatrick).map(([group, of]) => (
                  <Table.Tr key={group}>
                    <Table.Td>{group === 'unknown' ? t.unknown : group.replace('-', '–')}</Table.Td>
                    {GROUP_SCORES.map((name) => (
                      <Table.Td key={name} ta="right">
                        {scoreText(of[name])}
                      </Table.Td>
                    ))}
                    <Table.Td ta="right">{count(of.samples)}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Scrolling>
        </Panel>
      </Grid.Col>
    </Grid>
  );
}

const GROUP_SCORES = ['balancedAccuracy', 'weightedF1', 'malignantAuc', 'malignantRecall'] as const;

/**
 * Shaded by the share of the row: how the photographs with one diagnosis were predicted. The shade
 * is never so dark that the number can't be read.
 */
function Confusion({ matrix, names }: { matrix: Metrics['confusion']; names: readonly string[] }) {
  const dark = useComputedColorScheme('light') === 'dark';
  return (
    <table className="confusion">
      <thead>
        <tr>
          <th scope="col">
            <span className="visually-hidden">{t.columns.diagnosis}</span>
          </th>
          {names.map((name) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {matrix.map((row, i) => {
          const sum = row.reduce((a, b) => a + b, 0);
          return (
            <tr key={names[i]}>
              <th scope="row">{names[i]}</th>
              {row.map((n, j) => {
                const share = sum === 0 ? 0 : n / sum;
                const [r, g, b] =
                  i === j
                    ? dark
                      ? [64, 160, 164]
                      : [31, 109, 114]
                    : dark
                      ? [214, 140, 70]
                      : [196, 110, 40];
                return (
                  <td
                    key={names[j]}
                    title={t.cell(n, names[i]!, names[j]!)}
                    style={{
                      background: `rgba(${r}, ${g}, ${b}, ${n === 0 ? 0.05 : (0.1 + (dark ? 0.45 : 0.58) * share).toFixed(3)})`,
                      color: dark ? '#ffffff' : '#000000',
                    }}
                  >
                    {n}
                  </td>
                );
              })}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

export function RoundClinics({
  updates,
  declines,
  clinics,
}: {
  updates: RoundView['updates'];
  declines: RoundRow['declines'];
  clinics: readonly ClinicRow[];
}) {
  const names = new Map(clinics.map((c) => [c.id, c.name]));
  const c = t.columns;
  return (
    <Panel title={t.byClinic}>
      <Scrolling label={t.byClinic} minWidth={480}>
        <Table className="numbers" verticalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              {[c.clinic, c.support, c.sent, c.seconds, c.norm].map((name, i) => (
                <Table.Th key={name} ta={i === 0 ? 'left' : 'right'}>
                  {name}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {updates.map((u) => (
              <Table.Tr key={u.clinic}>
                <Table.Td>
                  <Text size="sm" truncate maw={260}>
                    {names.get(u.clinic) ?? u.clinic}
                  </Text>
                </Table.Td>
                <Table.Td ta="right">{count(u.samples)}</Table.Td>
                <Table.Td ta="right">{bytesText(u.bytes)}</Table.Td>
                <Table.Td ta="right">{durationText(u.seconds)}</Table.Td>
                <Table.Td ta="right">{scoreText(u.norm)}</Table.Td>
              </Table.Tr>
            ))}
            {declines.map((d) => (
              <Table.Tr key={d.clinic}>
                <Table.Td>
                  <Text size="sm" truncate maw={260}>
                    {names.get(d.clinic) ?? d.name}
                  </Text>
                </Table.Td>
                <Table.Td colSpan={4}>{strings.clinic.declined(codeText(d.code))}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Scrolling>
    </Panel>
  );
}
