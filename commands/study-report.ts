// A study as text: one row a round, its clinics, and where it stands.
import Table from 'cli-table3';
import { fingerprint } from '../common/crypto/identity.js';
import { ERRORS } from '../common/errors.js';
import {
  headlineText,
  ROUND_COLUMNS,
  rowCells,
  TABLE_STYLE,
} from '../common/reporting/round-table.js';
import type { StudyView } from '../common/protocol/console.js';

const sum = (of: readonly number[]): number => of.reduce((n, value) => n + value, 0);

/** One cell for each of ROUND_COLUMNS; null for a round that has no result yet. */
export function roundCells(view: StudyView, number: number): string[] | null {
  const evaluation = view.evaluations.find((e) => e.round === number);
  const round = evaluation && view.rounds.find((r) => r.attempt === evaluation.attempt);
  if (!evaluation || !round) return null;
  const { validation, heldout } = evaluation;
  // Of all attempts: what a failed one downloaded is not downloaded again.
  const attempts = view.rounds.filter((r) => r.number === number);
  return rowCells({
    round: number,
    best: view.best?.round === number,
    validation,
    heldout,
    clinics: number === 0 ? null : [round.updates.length, round.cohort.length],
    samples: sum(round.updates.map((u) => u.samples)),
    bytesUp: sum(attempts.flatMap(({ updates }) => updates.map((u) => u.bytes))),
    bytesDown: sum(attempts.map((r) => r.bytesDown)),
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

/** What a clinic does now, in a few words. */
function doing({ state, connected, now, declined: code, progress }: StudyView['clinics'][number]) {
  const presence = connected ? 'connected' : 'away';
  if (state === 'pending') return `${presence}, waits for approval`;
  if (state === 'revoked') return presence;
  if (now === 'declined') return `declined: ${code}${connected ? '' : ', away'}`;
  if (now === 'returned') return `delivered${connected ? '' : ', away'}`;
  return connected && progress
    ? `${progress.phase} ${Math.round(progress.fraction * 100)}%`
    : presence;
}

/** What to say of a clinic whose identity is on two machines. */
const twice = ({ name, displacedAt }: StudyView['clinics'][number]): string[] =>
  displacedAt === null
    ? []
    : [
        `${name}: two machines connect with its identity; one was sent away at ${new Date(displacedAt).toISOString()} (LENTIGO_CLINIC_ELSEWHERE). ${ERRORS.LENTIGO_CLINIC_ELSEWHERE.remedy}`,
      ];

/** Who went without delivering in rounds that closed, and why: a line for each clinic and reason. */
function declined(view: StudyView): string[] {
  const rounds = new Map<string, number[]>();
  for (const { phase, number, declines } of view.rounds) {
    if (phase === 'failed') continue; // its reason says so
    for (const { name, code } of declines) {
      const line = `${name} declined (${code}): ${ERRORS[code].means} ${ERRORS[code].remedy}`;
      rounds.set(line, [...(rounds.get(line) ?? []), number]);
    }
  }
  return [...rounds].map(
    ([line, numbers]) =>
      `${numbers.length > 1 ? `Rounds ${numbersText(numbers)}` : `Round ${numbers[0]}`}: ${line}`,
  );
}

/** 1, 2, 3, 7 → "1–3, 7". */
function numbersText(numbers: readonly number[]): string {
  const runs: [first: number, last: number][] = [];
  for (const n of numbers) {
    const run = runs.at(-1);
    if (run && n <= run[1] + 1) run[1] = n;
    else runs.push([n, n]);
  }
  return runs.map(([first, last]) => (first === last ? first : `${first}–${last}`)).join(', ');
}

/** The whole study, for `lentigo study show`. */
export function studyReport(view: StudyView): string {
  const clinics = new Table({ ...TABLE_STYLE, head: ['clinic', 'fingerprint', 'state', 'now'] });
  for (const c of view.clinics) clinics.push([c.name, fingerprint(c.id), c.state, doing(c)]);
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
    ...view.clinics.flatMap(twice),
    ...view.invitations
      .filter((i) => i.usedAt === null)
      .map((i) => `Invited: ${i.clinicName}, until ${new Date(i.expiresAt).toISOString()}`),
    '',
    view.evaluations.length > 0 ? roundsTable(view) : 'Nothing evaluated yet.',
    ...headline(view),
    ...declined(view),
    ...failed,
  ].join('\n');
}

/** The result that counts: held-out, of the round that validation chose. */
export function headline(view: StudyView): string[] {
  const best = view.evaluations.find((e) => e.round === view.best?.round);
  if (!best) return [];
  return ['* chosen by validation', headlineText(best.round, best.heldout)];
}
