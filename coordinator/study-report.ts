// A study as text: one row a round, its clinics, and where it stands.
import Table from 'cli-table3';
import { fingerprint } from '../common/crypto/identity.js';
import type { StudyView } from '../common/protocol/console.js';

const LINES = { top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: ' ' };
const STYLE = { chars: LINES, style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 } };

const score = (value: number | null | undefined): string => (value === null || value === undefined ? '–' : value.toFixed(3));

/** 1536 → "1.5 KB"; powers of ten, as networks are sold. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(0)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export const ROUND_COLUMNS = ['round', 'val bal.acc', 'val AUC mal.', 'held-out bal.acc', 'held-out AUC mal.', 'held-out acc', 'clinics', 'samples', 'up', 'down', 'seconds'] as const;

/** One cell for each of ROUND_COLUMNS; null for a round that has no result yet. */
export function roundCells(view: StudyView, number: number): string[] | null {
  const evaluation = view.evaluations.find((e) => e.round === number);
  const round = evaluation && view.rounds.find((r) => r.attempt === evaluation.attempt);
  if (!evaluation || !round) return null;
  const { validation, heldout } = evaluation;
  const begun = round.openedAt ?? round.plannedAt;
  return [
    `${number}${view.best?.round === number ? ' *' : ''}`,
    score(validation.balancedAccuracy), score(validation.malignantAuc),
    score(heldout.balancedAccuracy), score(heldout.malignantAuc), score(heldout.accuracy),
    number === 0 ? '–' : `${round.updates.length}/${round.cohort.length}`,
    number === 0 ? '–' : String(round.updates.reduce((n, u) => n + u.samples, 0)),
    bytesText(round.updates.reduce((n, u) => n + u.bytes, 0)), bytesText(round.bytesDown),
    round.closedAt === null ? '–' : ((round.closedAt - begun) / 1000).toFixed(1),
  ];
}

export function roundsTable(view: StudyView): string {
  const table = new Table({ ...STYLE, head: [...ROUND_COLUMNS] });
  for (let n = 0; n <= view.completed; n++) {
    const cells = roundCells(view, n);
    if (cells) table.push(cells);
  }
  return table.toString();
}

/** The whole study, for `lentigo study show`. */
export function studyReport(view: StudyView): string {
  const clinics = new Table({ ...STYLE, head: ['clinic', 'fingerprint', 'state', 'now'] });
  for (const c of view.clinics) {
    const doing = c.progress ? `${c.progress.phase} ${Math.round(c.progress.fraction * 100)}%` : 'connected';
    clinics.push([c.name, fingerprint(c.id), c.state, c.connected ? doing : 'away']);
  }
  const failed = view.rounds.filter((r) => r.phase === 'failed').map((r) => `Round ${r.number} was tried and failed: ${r.reason ?? ''}`);
  return [
    `${view.config.name}  ${view.id}`,
    `${view.status}${view.reason ? `: ${view.reason}` : ''}; ${view.completed} of ${view.config.rounds} rounds${view.round && view.status === 'running' ? `; round ${view.round.number} ${view.round.phase}` : ''}`,
    '', view.clinics.length > 0 ? clinics.toString() : 'No clinic has enrolled yet: lentigo study invite.',
    '', view.evaluations.length > 0 ? roundsTable(view) : 'Nothing evaluated yet.',
    ...headline(view), ...failed,
  ].join('\n');
}

/** The result that counts: held-out, of the round that validation chose. */
export function headline(view: StudyView): string[] {
  const best = view.evaluations.find((e) => e.round === view.best?.round);
  if (!best) return [];
  const { heldout } = best;
  const say = (name: 'balancedAccuracy' | 'malignantAuc' | 'accuracy', label: string) => {
    const interval = heldout.intervals[name];
    return `${label} ${score(heldout[name])}${interval ? ` (95% ${interval.low.toFixed(3)}–${interval.high.toFixed(3)})` : ''}`;
  };
  return [
    '* chosen by validation',
    `Held-out result of round ${best.round}, ${heldout.samples} images: ${say('balancedAccuracy', 'balanced accuracy')}, ${say('malignantAuc', 'malignant AUC')}, ${say('accuracy', 'accuracy')}.`,
  ];
}
