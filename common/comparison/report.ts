// A comparison as one HTML page, with its figures inline: it fetches nothing and has no script.
import { escapeHtml } from '../html.js';
import { MALIGNANCY } from '../dataset/diagnoses.js';
import { COLOURS, type Comparison, type Estimate } from './compare.js';

export interface Side {
  readonly name: string;
  /** JPEGs in base64. */
  readonly thumbnails: readonly { readonly label: string; readonly jpeg: string }[];
}

const percent = (value: number): string => `${(100 * value).toFixed(1)}%`;
const estimate = (e: Estimate | null): string =>
  e === null
    ? '–'
    : `${percent(e.value)} <small>(${percent(e.interval.low)} to ${percent(e.interval.high)}; chance ${percent(e.chance)})</small>`;
const row = (cells: readonly string[]): string =>
  `<tr><th>${cells[0]}</th>${cells
    .slice(1)
    .map((cell) => `<td>${cell}</td>`)
    .join('')}</tr>`;

/**
 * One mark per image, in the first two components: circles for the first archive, diamonds for the
 * second.
 */
function scatter({ map, mapShares }: Comparison): string {
  const [width, height, edge] = [640, 420, 34];
  const scale = (values: readonly number[], from: number, to: number) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return (v: number): string => (from + ((v - low) / (high - low || 1)) * (to - from)).toFixed(1);
  };
  const x = scale(
    map.map((m) => m.x),
    edge + 8,
    width - 10,
  );
  const y = scale(
    map.map((m) => m.y),
    height - edge - 8,
    10,
  );
  const marks = map.map((m) =>
    m.archive === 0
      ? `<circle class="a" cx="${x(m.x)}" cy="${y(m.y)}" r="3"><title>${escapeHtml(m.label)}</title></circle>`
      : `<path class="b" d="M${x(m.x)} ${y(m.y)}m0-4l4 4l-4 4l-4-4z"><title>${escapeHtml(m.label)}</title></path>`,
  );
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="principal components of the features">
<path class="axis" d="M${edge} 6V${height - edge}H${width - 6}"/>${marks.join('')}
<text x="${width / 2}" y="${height - 10}" text-anchor="middle">first component, ${percent(mapShares[0])} of the variance</text>
<text transform="translate(16 ${height / 2}) rotate(-90)" text-anchor="middle">second component, ${percent(mapShares[1])}</text></svg>`;
}

/** The means with one standard deviation to each side, 0–1. */
function colourBars({ colours }: Comparison): string {
  const at = (v: number): string => (110 + 500 * Math.min(1, Math.max(0, v))).toFixed(1);
  const lines = COLOURS.map((colour, i) => {
    const { mean, deviation } = colours[colour];
    const y = 22 + 34 * i;
    const bar = (s: 0 | 1): string =>
      `<path class="bar ${s === 0 ? 'a' : 'b'}" d="M${at(mean[s] - deviation[s])} ${y + 11 * s}H${at(mean[s] + deviation[s])}"/><circle class="${s === 0 ? 'a' : 'b'}" cx="${at(mean[s])}" cy="${y + 11 * s}" r="4"/>`;
    return `<text x="100" y="${y + 9}" text-anchor="end">${colour}</text>${bar(0)}${bar(1)}`;
  });
  return `<svg viewBox="0 0 640 240" role="img" aria-label="colour statistics"><path class="axis" d="M110 6V214H612"/>${lines.join('')}<text x="110" y="232" text-anchor="middle">0</text><text x="610" y="232" text-anchor="middle">1</text></svg>`;
}

const STYLE = `:root{color-scheme:light dark;--ground:#fff;--text:#1a1d21;--soft:#5b6570;--line:#d5dbe1;--a:#1769aa;--b:#c2570c}
@media (prefers-color-scheme:dark){:root{--ground:#14171a;--text:#e8ebee;--soft:#9aa5b0;--line:#343b42;--a:#6cb6f5;--b:#f29a5b}}
body{background:var(--ground);color:var(--text);font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.15rem;margin-top:2.2rem}p,small{color:var(--soft)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{padding:.35rem .5rem;border-bottom:1px solid var(--line);text-align:right;vertical-align:top}th:first-child{text-align:left;font-weight:500}
svg{width:100%;height:auto}svg text{fill:var(--soft);font:13px system-ui,sans-serif}.axis{fill:none;stroke:var(--line)}circle.a{fill:var(--a);fill-opacity:.65}path.b{fill:var(--b);fill-opacity:.65}circle.b{fill:var(--b)}.bar{stroke-width:3;stroke-opacity:.5;fill:none}.bar.a{stroke:var(--a)}.bar.b{stroke:var(--b)}
.a-name{color:var(--a)}.b-name{color:var(--b)}.name{overflow-wrap:anywhere;font-weight:600}
.thumbs{display:grid;grid-template-columns:repeat(auto-fill,minmax(84px,1fr));gap:.5rem}figure{margin:0}img{width:100%;border-radius:4px;display:block}figcaption{font-size:.75rem;color:var(--soft);text-align:center}`;

/** The report as HTML. Names of archives and diagnoses are escaped. */
export function reportPage(
  comparison: Comparison,
  [a, b]: readonly [Side, Side],
  model: string,
): string {
  const { images, patients, labels, colours, frechet, discrepancy, neighbours } = comparison;
  const names = [
    `<span class="name a-name">● ${escapeHtml(a.name)}</span>`,
    `<span class="name b-name">◆ ${escapeHtml(b.name)}</span>`,
  ];
  const classes = [...new Set([...Object.keys(labels[0]), ...Object.keys(labels[1])])].sort();
  const { withinA, withinB, fromAToB, fromBToA } = neighbours.diagnosis;
  const head = `<thead><tr><th></th><th>●</th><th>◆</th></tr></thead>`;
  const thumbs = (side: Side): string =>
    `<div class="thumbs">${side.thumbnails.map(({ label, jpeg }) => `<figure><img src="data:image/jpeg;base64,${jpeg}" alt="${escapeHtml(label)}"><figcaption>${escapeHtml(label)}</figcaption></figure>`).join('')}</div>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>Two archives compared</title><style>${STYLE}</style></head><body>
<h1>Two archives compared</h1>
<p>${names[0]}<br>${names[1]}</p>
<table>${head}<tbody>${row(['images', ...images.map(String)])}${row(['patients (or lesions)', ...patients.map(String)])}${classes.map((label) => row([escapeHtml(label), String(labels[0][label] ?? 0), String(labels[1][label] ?? 0)])).join('')}</tbody></table>
<h2>What the model sees</h2>
<p>The last features of <span class="name">${escapeHtml(model)}</span>, one mark an image.</p>
${scatter(comparison)}
<table><tbody>
${row(['Fréchet distance', `${frechet.value.toFixed(2)} <small>(${frechet.interval.low.toFixed(2)} to ${frechet.interval.high.toFixed(2)})</small>`])}
${row(['between halves of ● alone, and of ◆ alone', `${frechet.within[0].toFixed(2)}, ${frechet.within[1].toFixed(2)}`])}
${row(['maximum mean discrepancy, squared', `${discrepancy.value.toFixed(4)} <small>(p ${discrepancy.p < 0.01 ? '&lt; 0.01' : `= ${discrepancy.p.toFixed(2)}`})</small>`])}
${row([`the ${neighbours.k} nearest neighbours tell the archives apart`, estimate(neighbours.archive)])}
</tbody></table>
<p>Distances are in the first ${frechet.components} principal components, ${percent(frechet.share)} of the variance. Accuracies are balanced over classes, by cross-validation over patients; intervals are bootstrapped over patients, 95%.</p>
<h2>Diagnosis by the ${neighbours.k} nearest neighbours</h2>
<p>${neighbours.classes.length < 2 ? 'The archives share fewer than two diagnoses.' : `Among ${neighbours.classes.map(escapeHtml).join(', ')}, which both have.`} ${escapeHtml(MALIGNANCY)}</p>
<table><tbody>${row(['neighbours ●, images ●', estimate(withinA)])}${row(['neighbours ◆, images ◆', estimate(withinB)])}${row(['neighbours ●, images ◆', estimate(fromAToB)])}${row(['neighbours ◆, images ●', estimate(fromBToA)])}</tbody></table>
<h2>Colour and brightness</h2>
<p>Means over images, and one standard deviation to each side. Difference: in standard deviations, ◆ minus ●.</p>
${colourBars(comparison)}
<table><thead><tr><th></th><th>●</th><th>◆</th><th>difference</th></tr></thead><tbody>${COLOURS.map((colour) => row([colour, ...colours[colour].mean.map((v) => v.toFixed(3)), `${colours[colour].difference >= 0 ? '+' : '−'}${Math.abs(colours[colour].difference).toFixed(2)}`])).join('')}</tbody></table>
<h2>Examples</h2>
<p>${names[0]}</p>${thumbs(a)}
<p>${names[1]}</p>${thumbs(b)}
</body></html>
`;
}
