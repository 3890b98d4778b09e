// A metric by round: validation and held-out, the held-out interval as a band, the best round
// marked.
import { Select, Text, useComputedColorScheme } from '@mantine/core';
import { useMemo, useState } from 'react';
import {
  Area,
  CartesianGrid,
  ComposedChart,
  Legend,
  Line,
  ReferenceLine,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from 'recharts';
import { SCORE_NAMES, type ScoreName } from '../../../common/evaluation/metrics.js';
import type { ScoreRow } from '../../../common/protocol/console.js';
import { scoreText } from '../format.js';
import { strings } from '../strings.js';
import { Panel } from '../ui.js';

const t = strings.results;

const COLOURS = {
  light: {
    heldout: '#1f6d72',
    validation: '#a4540f',
    grid: '#e3e8e8',
    text: '#59616a',
    paper: '#ffffff',
  },
  dark: {
    heldout: '#6cc3c6',
    validation: '#eca866',
    grid: '#343b3e',
    text: '#a9b0b7',
    paper: '#1f2426',
  },
};

interface Point {
  readonly round: number;
  readonly heldout: number | null;
  readonly validation: number | null;
  readonly band: [number, number] | null;
}

export function Curves({
  scores,
  best,
  metric: first,
  height = 340,
  choose = true,
}: {
  scores: readonly ScoreRow[];
  best: number;
  metric: ScoreName;
  height?: number;
  choose?: boolean;
}) {
  const [metric, setMetric] = useState<ScoreName>(first);
  const colours = COLOURS[useComputedColorScheme('light')];
  const points = useMemo<Point[]>(
    () =>
      scores.map(({ round, validation, heldout }) => {
        const [value, low, high] = heldout[metric];
        return {
          round,
          heldout: value,
          validation: validation[metric][0],
          band: low === null || high === null ? null : [low, high],
        };
      }),
    [scores, metric],
  );
  const name = t.metrics[metric];
  const [start, end] = [points[0], points.at(-1)];
  const summary = t.curveSummary(
    name,
    scoreText(start?.heldout),
    scoreText(end?.heldout),
    points.length - 1,
    best,
  );
  const lowest = lowEnd(points);
  const tick = { fill: colours.text, fontSize: 12 };
  return (
    <Panel
      title={t.curves}
      aside={
        choose ? (
          <Select
            size="xs"
            w={240}
            aria-label={t.metric}
            data={SCORE_NAMES.map((value) => ({ value, label: t.metrics[value] }))}
            value={metric}
            onChange={(next) => next && setMetric(next)}
            allowDeselect={false}
          />
        ) : (
          <Text size="sm">{name}</Text>
        )
      }
    >
      <div role="img" aria-label={summary} data-testid="curves" style={{ height }}>
        <ResponsiveContainer width="100%" height="100%">
          <ComposedChart
            data={points}
            margin={{ top: 18, right: 12, bottom: 0, left: -18 }}
            accessibilityLayer={false}
          >
            <CartesianGrid stroke={colours.grid} vertical={false} />
            <XAxis
              dataKey="round"
              type="number"
              domain={[0, Math.max(end?.round ?? 0, 5)]}
              allowDecimals={false}
              tick={tick}
              stroke={colours.grid}
              tickLine={false}
              minTickGap={24}
            />
            <YAxis
              domain={[lowest, 1]}
              ticks={ticks(lowest)}
              tick={tick}
              stroke={colours.grid}
              tickLine={false}
              axisLine={false}
              tickFormatter={(v: number) => v.toFixed(1)}
              allowDataOverflow
            />
            <ReferenceLine
              x={best}
              stroke={colours.text}
              strokeDasharray="4 4"
              label={{
                value: t.bestRound(best),
                position: 'top',
                fill: colours.text,
                fontSize: 12,
              }}
            />
            <Area
              dataKey="band"
              name={`${t.heldout}, ${t.interval}`}
              stroke="none"
              fill={colours.heldout}
              fillOpacity={0.16}
              legendType="rect"
              isAnimationActive={false}
              activeDot={false}
              connectNulls
            />
            <Line
              dataKey="validation"
              legendType="plainline"
              name={t.validation}
              stroke={colours.validation}
              strokeWidth={2}
              strokeDasharray="5 4"
              dot={points.length <= 25 ? { r: 2.5, strokeDasharray: '' } : false}
              isAnimationActive={false}
            />
            <Line
              dataKey="heldout"
              legendType="plainline"
              name={t.heldout}
              stroke={colours.heldout}
              strokeWidth={2.5}
              dot={points.length <= 25 ? { r: 3 } : false}
              isAnimationActive={false}
            />
            <Tooltip
              labelFormatter={(round) => strings.overview.round(Number(round))}
              formatter={(value) =>
                Array.isArray(value)
                  ? value.map((v) => Number(v).toFixed(3)).join(' – ')
                  : Number(value).toFixed(3)
              }
              contentStyle={{
                background: colours.paper,
                borderColor: colours.grid,
                borderRadius: 10,
              }}
              isAnimationActive={false}
            />
            <Legend wrapperStyle={{ fontSize: 13, color: colours.text }} itemSorter={null} />
          </ComposedChart>
        </ResponsiveContainer>
      </div>
    </Panel>
  );
}

/** Every tenth, or every fifth on a long axis. */
function ticks(lowest: number): number[] {
  const step = lowest < 0.5 ? 0.2 : 0.1;
  return Array.from({ length: Math.round((1 - lowest) / step) + 1 }, (_, i) => 1 - i * step);
}

/** The axis' lower end: the last tick below the lowest value drawn. */
function lowEnd(points: readonly Point[]): number {
  const lowest = Math.min(
    1,
    ...points.flatMap(({ heldout, validation, band }) =>
      [heldout, validation, band?.[0]].filter((v) => v !== null && v !== undefined),
    ),
  );
  const step = lowest < 0.52 ? 0.2 : 0.1;
  return Math.max(0, 1 - Math.ceil((1.02 - lowest) / step) * step);
}
