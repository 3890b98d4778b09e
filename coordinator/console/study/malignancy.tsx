// Malignant against benign, in one round on one split: what the model finds and what false alarms it
// raises at the threshold that validation chose, and the ROC curve.
import { Grid, Stack, Table, Text } from '@mantine/core';
import {
  CartesianGrid,
  ComposedChart,
  Line,
  ReferenceDot,
  ReferenceLine,
  ResponsiveContainer,
  XAxis,
  YAxis,
} from 'recharts';
import type { Metrics } from '../../../common/evaluation/metrics.js';
import { decimal, intervalText, scoreText } from '../format.js';
import { strings } from '../strings/index.js';
import { Panel } from '../ui.js';
import { useColours } from './colours.js';

const t = strings.results;
const TENTHS = [0, 0.2, 0.4, 0.6, 0.8, 1];

export function Malignancy({ metrics }: { metrics: Metrics }) {
  const { operatingPoint: point, roc, malignantAuc, intervals } = metrics;
  const rows = [
    [t.metrics.malignantAuc, malignantAuc, intervals.malignantAuc] as const,
    ...(point
      ? (['sensitivity', 'specificity'] as const).map(
          (name) => [t[name], point[name], point.intervals[name]] as const,
        )
      : []),
  ];
  return (
    <Panel
      title={t.malignancy}
      {...(point && { text: t.malignancyHelp(decimal(point.threshold, 3)) })}
    >
      {roc.length === 0 ? (
        <Text c="dimmed">{t.noRoc}</Text>
      ) : (
        <Grid gap="lg" align="center">
          <Grid.Col span={{ base: 12, sm: 6 }}>
            <Stack gap="sm">
              {point && (
                <Text fz="lg" fw={600} data-testid="finds">
                  {t.found(point.found, point.malignant)},{' '}
                  {t.falseAlarms(point.falseAlarms, point.benign)}.
                </Text>
              )}
              <Table className="numbers" verticalSpacing={7}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>
                      <span className="visually-hidden">{t.metric}</span>
                    </Table.Th>
                    <Table.Th ta="right">{t.value}</Table.Th>
                    <Table.Th ta="right">{t.interval}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {rows.map(([name, value, interval]) => (
                    <Table.Tr key={name}>
                      <Table.Td>{name}</Table.Td>
                      <Table.Td ta="right">{scoreText(value)}</Table.Td>
                      <Table.Td ta="right">
                        {interval ? intervalText(interval.low, interval.high) : '–'}
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Stack>
          </Grid.Col>
          <Grid.Col span={{ base: 12, sm: 6 }}>
            <Roc metrics={metrics} />
          </Grid.Col>
        </Grid>
      )}
    </Panel>
  );
}

function Roc({ metrics: { roc, operatingPoint: point, malignantAuc } }: { metrics: Metrics }) {
  const colours = useColours();
  const tick = { fill: colours.text, fontSize: 12 };
  const axis = {
    type: 'number' as const,
    domain: [0, 1] as [number, number],
    ticks: TENTHS,
    tick,
    stroke: colours.grid,
    tickLine: false,
    tickFormatter: (v: number) => decimal(v, 1),
  };
  const auc = scoreText(malignantAuc);
  return (
    <div
      role="img"
      aria-label={
        point
          ? t.rocSummary(auc, scoreText(point.sensitivity), scoreText(point.specificity))
          : t.rocOnly(auc)
      }
      data-testid="roc"
      style={{ height: 300, maxWidth: 380 }}
    >
      <ResponsiveContainer width="100%" height="100%">
        <ComposedChart
          data={roc.map(([x, y]) => ({ x, y }))}
          margin={{ top: 8, right: 12, bottom: 18, left: 0 }}
          accessibilityLayer={false}
        >
          <CartesianGrid stroke={colours.grid} />
          <XAxis
            dataKey="x"
            {...axis}
            label={{
              value: t.falseAlarmShare,
              position: 'insideBottom',
              offset: -12,
              ...tick,
            }}
          />
          <YAxis
            {...axis}
            width={56}
            label={{ value: t.sensitivity, angle: -90, position: 'insideLeft', ...tick }}
          />
          <ReferenceLine
            segment={[
              { x: 0, y: 0 },
              { x: 1, y: 1 },
            ]}
            stroke={colours.text}
            strokeDasharray="3 4"
          />
          <Line
            dataKey="y"
            type="linear"
            stroke={colours.heldout}
            strokeWidth={2.5}
            dot={false}
            isAnimationActive={false}
          />
          {point && point.sensitivity !== null && point.specificity !== null && (
            <ReferenceDot
              x={1 - point.specificity}
              y={point.sensitivity}
              r={5}
              fill={colours.validation}
              stroke={colours.paper}
            />
          )}
        </ComposedChart>
      </ResponsiveContainer>
    </div>
  );
}
