// Learning curves: as a table, and as a picture that any browser shows.
import { csvOf } from '../../common/csv.js';
import type { ScoreName } from '../../common/evaluation/metrics.js';
import type { EpochRecord } from './checkpoint.js';

/** A training by its name. */
export interface Curve {
  readonly name: string;
  readonly history: readonly EpochRecord[];
  /** The epoch chosen by validation. */
  readonly best: number;
}

const SHOWN: readonly ScoreName[] = [
  'balancedAccuracy',
  'accuracy',
  'weightedF1',
  'malignantAuc',
  'malignantRecall',
];

/**
 * One row an epoch: training, phase, epoch, peak learning rate, loss, validation scores, seconds,
 * and whether validation chose it.
 */
export function curvesCsv(curves: readonly Curve[]): string {
  const header = [
    'training',
    'phase',
    'epoch',
    'learning_rate',
    'loss',
    ...SHOWN,
    'seconds',
    'best',
  ];
  const rows = curves.flatMap(({ name, history, best }) =>
    history.map(({ phase, epoch, learningRate, loss, validation, seconds }) => [
      name,
      phase + 1,
      epoch,
      learningRate,
      loss,
      ...SHOWN.map((score) => validation[score] ?? ''),
      seconds.toFixed(1),
      epoch === best ? 1 : 0,
    ]),
  );
  return csvOf([header, ...rows]);
}

const PANEL = { width: 420, height: 240, left: 48, top: 28, gap: 56 };
const COLOURS = ['#1b6ca8', '#c0392b', '#27864a', '#8e44ad'];
const PANELS: readonly {
  readonly title: string;
  /** null where these validation images don't define it. */
  readonly value: (record: EpochRecord) => number | null;
}[] = [
  { title: 'training loss', value: ({ loss }) => loss },
  {
    title: 'balanced accuracy, validation',
    value: ({ validation }) => validation.balancedAccuracy,
  },
  { title: 'malignant AUC, validation', value: ({ validation }) => validation.malignantAuc },
];

/**
 * Loss, balanced accuracy and malignant AUC by epoch, a colour a training; a dot marks the epoch
 * that validation chose.
 */
export function curvesSvg(curves: readonly Curve[]): string {
  const { width, height, left, top, gap } = PANEL;
  const panels = PANELS.map(({ title, value }, p) => {
    const x0 = left + p * (width + gap);
    const values = curves.flatMap(({ history }) => history.map(value)).filter((v) => v !== null);
    const [low, high] = values.length > 0 ? [Math.min(...values), Math.max(...values)] : [0, 1];
    const epochs = Math.max(2, ...curves.map(({ history }) => history.length));
    const x = (epoch: number): number => x0 + ((epoch - 1) / (epochs - 1)) * width;
    const y = (v: number): number => top + height - ((v - low) / (high - low || 1)) * height;
    const lines = curves.map(({ history, best }, c) => {
      const colour = COLOURS[c % COLOURS.length];
      const points = history.flatMap((record) => {
        const v = value(record);
        return v === null ? [] : [`${x(record.epoch).toFixed(1)},${y(v).toFixed(1)}`];
      });
      const chosen = history.find(({ epoch }) => epoch === best);
      const score = chosen ? value(chosen) : null;
      const dot =
        score === null
          ? ''
          : `<circle cx="${x(best).toFixed(1)}" cy="${y(score).toFixed(1)}" r="4" fill="${colour}"/>`;
      return `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>${dot}`;
    });
    const label = (text: string, at: number): string =>
      `<text x="${x0 - 6}" y="${at}" text-anchor="end">${text}</text>`;
    return [
      `<rect x="${x0}" y="${top}" width="${width}" height="${height}" fill="none" stroke="#bbb"/>`,
      `<text x="${x0}" y="${top - 10}" font-weight="bold">${title}</text>`,
      label(high.toFixed(3), top + 10),
      label(low.toFixed(3), top + height),
      `<text x="${x0 + width}" y="${top + height + 18}" text-anchor="end">epoch ${epochs}</text>`,
      ...lines,
    ].join('\n');
  });
  const legend = curves.map(
    ({ name }, c) =>
      `<text x="${left + c * 160}" y="${top + height + 44}" fill="${COLOURS[c % COLOURS.length]}">● ${name}</text>`,
  );
  const total = left + PANELS.length * (width + gap);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${total} ${top + height + 60}" font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="#fff"/>\n${[...panels, ...legend].join('\n')}\n</svg>\n`;
}
