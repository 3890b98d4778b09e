// A model card (Mitchell et al. 2019, arXiv:1810.03993) as Markdown: what the model is, on which
// data it was evaluated, and how well it does for whom. Every number comes from the evaluation.
import type { Source } from '../dataset/archive.js';
import { MALIGNANCY } from '../dataset/diagnoses.js';
import type { Inspection } from '../dataset/inspect.js';
import { SPLITS, type Split } from '../dataset/sample.js';
import type { Model } from '../model/student.js';
import { networkOf } from '../model/architecture.js';
import type { GroupIntervals } from '../evaluation/group-intervals.js';
import type { Interval, Metrics, ScoreName } from '../evaluation/metrics.js';
import { operatingPointText } from './operating-point.js';

export interface Evaluation {
  readonly metrics: Metrics;
  readonly groups: GroupIntervals;
  readonly data: Inspection;
  readonly source: Source;
  /** The split that was evaluated. */
  readonly split: Split;
}

const SCORES: readonly [ScoreName, string][] = [
  ['accuracy', 'accuracy'],
  ['balancedAccuracy', 'balanced accuracy'],
  ['weightedF1', 'weighted F1'],
  ['macroF1', 'macro F1'],
  ['aucOvr', 'AUC, one against the rest'],
  ['malignantAuc', 'AUC, malignant against benign'],
  [
    'malignantRecall',
    'malignant lesions flagged (probability of the malignant classes together at least 0.5)',
  ],
];

const decimal = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : value.toFixed(3);
const withInterval = (value: number | null | undefined, interval: Interval | undefined): string =>
  interval && value !== null
    ? `${decimal(value)} (${decimal(interval.low)}–${decimal(interval.high)})`
    : decimal(value);

/** A Markdown table; all columns but the first contain numbers, aligned right. */
function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string =>
    `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join(
    '\n',
  );
}

/**
 * The card.
 * @param sha256 of encodeModel's bytes
 * @param training what is known about the training
 */
export function modelCard(
  { architecture, labels, parameters }: Model,
  sha256: string,
  training: string,
  { metrics, groups, data, source, split }: Evaluation,
): string {
  const { inputSize } = networkOf(architecture);
  const { names, malignant } = labels;
  const point = metrics.operatingPoint;
  const left = Object.entries(data.leftOut);
  const sections: [title: string, ...paragraphs: string[]][] = [
    [
      'Model',
      `${architecture}, ${parameters.length.toLocaleString('en')} parameters. It takes one photograph, ${inputSize} × ${inputSize} pixels of its centre square, and nothing else: no metadata. It gives a probability for each of ${names.join(', ')}; ${malignant.length === 0 ? 'none counts' : `${malignant.join(', ')} ${malignant.length === 1 ? 'counts' : 'count'}`} as malignant.`,
      `SHA-256 of the weights as float32 safetensors: \`${sha256}\`.`,
    ],
    [
      'Intended use',
      'Research on learning across clinics: the starting model of a study, or its result. It is not a medical device, and its predictions are not a diagnosis; nobody should be treated, reassured or sent away because of it.',
      'Meant for a photograph of one lesion in its middle, of a kind that it was trained on. It knows no other diagnoses than those above, and cannot say that a lesion is none of them.',
    ],
    ['Training', training],
    [
      'Evaluation data',
      `${source.name} (${source.citation})${source.synthetic ? `, \`${data.name}\`` : ''}, ${data.samples} images of ${data.patients} patients (or lesions, where the archive names no patients). No patient is in two splits. Measured on **${split}**.`,
      table(
        ['images', ...SPLITS],
        [
          ...names
            .filter((name) => name in data.bySplit)
            .map((name) => [name, ...SPLITS.map((s) => data.bySplit[name]![s])]),
          ['patients', ...SPLITS.map((s) => data.patientsBySplit[s])],
        ],
      ),
      ...(left.length > 0
        ? [
            `Left out, because the model has no word for them or for the reason given: ${left.map(([reason, images]) => `${images} ${reason}`).join(', ')}.`,
          ]
        : []),
      ...(data.problems.length > 0 ? [`${data.problems.length} images could not be read.`] : []),
    ],
    [
      'Results',
      `${metrics.samples} images. In parentheses 95% intervals, bootstrapped over patients.`,
      table(
        ['', 'value'],
        [
          ...SCORES.map(([name, title]) => [
            title,
            withInterval(metrics[name], metrics.intervals[name]),
          ]),
          ['expected calibration error', decimal(metrics.ece)],
          ...(point
            ? (['sensitivity', 'specificity'] as const).map((name) => [
                `${name}, malignant against benign, at the threshold below`,
                withInterval(point[name], point.intervals[name]),
              ])
            : []),
        ],
      ),
      ...(point ? [operatingPointText(point)] : []),
    ],
    [
      'By diagnosis',
      table(
        ['', 'images', 'precision', 'recall', 'F1'],
        names.map((name) => {
          const { support, precision, recall, f1 } = metrics.perClass[name]!;
          const interval = groups.perClass[name]!;
          return [
            name,
            support,
            withInterval(precision, interval.precision),
            withInterval(recall, interval.recall),
            withInterval(f1, interval.f1),
          ];
        }),
      ),
      'Rows: what it is; columns: what the model says most probably.',
      table(
        ['', ...names.map((name) => `→ ${name}`)],
        names.map((name, i) => [name, ...metrics.confusion[i]!]),
      ),
    ],
    [
      'By Fitzpatrick skin type',
      table(
        ['', 'images', 'balanced accuracy', 'malignant AUC', 'malignant flagged'],
        Object.entries(metrics.byFitzpatrick).map(([type, scores]) => {
          const interval = groups.byFitzpatrick[type];
          return [
            type,
            scores.samples,
            withInterval(scores.balancedAccuracy, interval?.balancedAccuracy),
            withInterval(scores.malignantAuc, interval?.malignantAuc),
            withInterval(scores.malignantRecall, interval?.malignantRecall),
          ];
        }),
      ),
      'Groups of fewer than 20 images are only counted. Where a type is rare, nothing is known of how the model does there.',
    ],
    [
      'Limits',
      [
        'Measured on this archive alone: other cameras, clinics, populations and diagnoses may give worse results, and an interval says nothing of them.',
        'An archive of lesions that somebody found worth a photograph, often a biopsy, has far more malignant ones than people have.',
        '`biopsed`, a column of PAD-UFES-20, is decided after the suspicion, and tells the class. It is never an input of a student or a teacher.',
        'In PAD-UFES-20 most metadata is missing exactly where no biopsy was taken, so that missing values by themselves tell the class. The student reads no metadata; a teacher that does can know the class from what is missing, and what it teaches may lean on that.',
        MALIGNANCY,
        ...(source.synthetic
          ? ['Measured on painted lesions: nothing here says how the model does on photographs.']
          : []),
      ]
        .map((limit) => `- ${limit}`)
        .join('\n'),
    ],
    [
      'Licence',
      `Lentigo is Apache-2.0. The evaluation data is under ${source.licence}, and not part of this model. A model trained on an archive is bound by that archive's terms, too.`,
    ],
  ];
  return `# Model card: ${architecture} for ${names.join(', ')}\n\nFor research use only. Not a medical device.\n\n${sections.map(([title, ...paragraphs]) => `## ${title}\n\n${paragraphs.join('\n\n')}`).join('\n\n')}\n`;
}
