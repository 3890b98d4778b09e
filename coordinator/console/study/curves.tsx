// A metric by round: validation and held-out, the held-out interval as a band, the best round and
// failed attempts marked, and how far it has come since the start.
import { Select, Text } from '@mantine/core';
import { useMemo, useState } from 'react';
import {
  Area,
  CartesianGrid,
  ComposedChart,
  Legend,
  Line,
  ReferenceDot,
  ReferenceLine,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from 'recharts';
import { SCORE_NAMES, type ScoreName } from '../../../common/evaluation/metrics.js';
import type { RoundRow, ScoreRow } from '../../../common/protocol/console.js';
import { decimal, differenceText, scoreText } from '../format.js';
import { strings } from '../strings/index.js';
import { Panel } from '../ui.js';
import { scaleOf, wholeTicks } from './axis.js';
import { useColours } from './colours.js';

const t = strings.results;

interface Point {
  readonly round: number;
  readonly heldout: number | null;
  readonly validation: number | null;
  readonly band: [number, number] | null;
}

export function Curves({
  scores,
  rounds,
  best,
  metric: first,
  height = 340,
  choose = true,
}: {
  scores: readonly ScoreRow[];
  rounds: readonly RoundRow[];
  best: number;
  metric: ScoreName;
  height?: number;
  choose?: boolean;
}) {
  const [metric, setMetric] = useState<ScoreName>(first);
  const colours = useColours();
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
  const failed = useMemo(
    () => [...new Set(rounds.filter((r) => r.phase === 'failed').map((r) => r.number))],
    [rounds],
  );
  const name = t.metrics[metric];
  const [start, end] = [points[0], points.at(-1)];
  const chosen = points.find(({ round }) => round === best);
  const summary = t.curveSummary(
    name,
    scoreText(start?.heldout),
    scoreText(end?.heldout),
    points.length - 1,
    best,
  );
  const scale = scaleOf(
    points.flatMap(({ heldout, validation }) => [heldout, validation]),
    points.flatMap(({ band }) => band ?? []),
  );
  const lastRound = Math.max(end?.round ?? 0, ...failed, 1);
  const tick = { fill: colours.text, fontSize: 12 };
  return (
    <Panel
      title={t.curves}
      {...changeOf(start, chosen)}
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
        ) : undefined
      }
    >
      <div
        role="img"
        aria-label={summary}
        data-testid="curves"
        style={{ height, overflow: 'clip' }}
      >
        <ResponsiveContainer width="100%" height="100%">
          <ComposedChart
            data={points}
            margin={{ top: 18, right: 12, bottom: 0, left: 0 }}
            accessibilityLayer={false}
          >
            <CartesianGrid stroke={colours.grid} vertical={false} />
            <XAxis
              dataKey="round"
              type="number"
              domain={[0, lastRound]}
              ticks={wholeTicks(lastRound)}
              allowDecimals={false}
              tick={tick}
              stroke={colours.grid}
              tickLine={false}
              height={40}
              label={{ value: t.round, position: 'insideBottom', offset: 4, ...tick }}
            />
            <YAxis
              domain={[scale.low, scale.high]}
              ticks={scale.ticks}
              tick={tick}
              stroke={colours.grid}
              tickLine={false}
              axisLine={false}
              tickFormatter={(v: number) => decimal(v, scale.digits)}
              allowDataOverflow
              width={62}
              label={{
                value: name,
                angle: -90,
                position: 'insideLeft',
                style: { textAnchor: 'middle' },
                ...tick,
              }}
            />
            <ReferenceLine
              x={best}
              stroke={colours.text}
              strokeDasharray="4 4"
              label={{
                value: t.bestRound(best),
                position: best > lastRound / 2 ? 'insideTopRight' : 'insideTopLeft',
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
            {failed.map((round) => (
              <ReferenceDot
                key={round}
                x={round}
                y={scale.low}
                r={0}
                label={{ value: '✕', position: 'top', fill: colours.failed, fontSize: 13 }}
              />
            ))}
            <Tooltip
              labelFormatter={(round) => strings.overview.round(Number(round))}
              formatter={(value) =>
                Array.isArray(value)
                  ? value.map((v) => scoreText(Number(v))).join(' – ')
                  : scoreText(Number(value))
              }
              contentStyle={{
                background: colours.paper,
                borderColor: colours.grid,
                borderRadius: 10,
                whiteSpace: 'normal',
                maxWidth: 'min(260px, 55vw)',
              }}
              isAnimationActive={false}
            />
            <Legend wrapperStyle={{ fontSize: 13, color: colours.text }} itemSorter={null} />
          </ComposedChart>
        </ResponsiveContainer>
      </div>
      {failed.length > 0 && (
        <Text size="xs" c="var(--mantine-color-error)" mt={4}>
          {t.failedRounds(failed.slice(-12).join(', '), failed.length)}
        </Text>
      )}
    </Panel>
  );
}

/** The panel's text: from the start to the round that validation chose, on held-out. */
function changeOf(start: Point | undefined, chosen: Point | undefined): { text?: string } {
  const [from, to] = [start?.heldout ?? null, chosen?.heldout ?? null];
  if (from === null || to === null || !chosen) return {};
  return {
    text:
      chosen.round === 0
        ? t.noChange(scoreText(from))
        : t.change(differenceText(to - from), scoreText(from), scoreText(to), chosen.round),
  };
}
