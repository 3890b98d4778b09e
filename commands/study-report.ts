// A study as text: one row a round, its clinics, and where it stands.
import Table from 'cli-table3';
import { fingerprint } from '../common/crypto/identity.js';
import {
  headlineText,
  ROUND_COLUMNS,
  rowCells,
  TABLE_STYLE,
} from '../common/reporting/round-table.js';
import type { StudyView } from '../common/protocol/console.js';

/** One cell for each of ROUND_COLUMNS; null for a round that has no result yet. */
export function roundCells(view: StudyView, number: number): string[] | null {
  const evaluation = view.evaluations.find((e) => e.round === number);
  const round = evaluation && view.rounds.find((r) => r.attempt === evaluation.attempt);
  if (!evaluation || !round) return null;
  const { validation, heldout } = evaluation;
  return rowCells({
    round: number,
    best: view.best?.round === number,
    validation,
    heldout,
    clinics: number === 0 ? null : [round.updates.length, round.cohort.length],
    samples: round.updates.reduce((n, u) => n + u.samples, 0),
    bytesUp: round.updates.reduce((n, u) => n + u.bytes, 0),
    bytesDown: round.bytesDown,
    seconds:
      round.closedAt === null
        ? null
        : (round.closedAt - (round.openedAt ?? round.plannedAt)) / 1000,
  });
}

function roundsTable(view: StudyView): string {
  const table = new Table({ ...TABLE_STYLE, head: [...ROUND_COLUMNS] });
  for (let n = 0; n <= view.completed; n++) {
    const cells = roundCells(view, n);
    if (cells) table.push(cells);
  }
  return table.toString();
}

/** The whole study, for `lentigo study show`. */
export function studyReport(view: StudyView): string {
  const clinics = new Table({ ...TABLE_STYLE, head: ['clinic', 'fingerprint', 'state', 'now'] });
  for (const c of view.clinics) {
    const doing = c.progress
      ? `${c.progress.phase} ${Math.round(c.progress.fraction * 100)}%`
      : 'connected';
    clinics.push([c.name, fingerprint(c.id), c.state, c.connected ? doing : 'away']);
  }
  const failed = view.rounds
    .filter((r) => r.phase === 'failed')
    .map((r) => `Round ${r.number} was tried and failed: ${r.reason ?? ''}`);
  return [
    `${view.config.name}  ${view.id}`,
    `${view.status}${view.reason ? `: ${view.reason}` : ''}; ${view.completed} of ${view.config.rounds} rounds${view.round && view.status === 'running' ? `; round ${view.round.number} ${view.round.phase}` : ''}`,
    '',
    view.clinics.length > 0
      ? clinics.toString()
      : 'No clinic has enrolled yet: lentigo study invite.',
    ...view.invitations
      .filter((i) => i.usedAt === null)
      .map((i) => `Invited: ${i.clinicName}, until ${new Date(i.expiresAt).toISOString()}`),
    '',
    view.evaluations.length > 0 ? roundsTable(view) : 'Nothing evaluated yet.',
    ...headline(view),
    ...failed,
  ].join('\n');
}

/** The result that counts: held-out, of the round that validation chose. */
export function headline(view: StudyView): string[] {
  const best = view.evaluations.find((e) => e.round === view.best?.round);
  if (!best) return [];
  return ['* chosen by validation', headlineText(best.round, best.heldout)];
}
