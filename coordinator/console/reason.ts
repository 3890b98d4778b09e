// Why a study or a round has ended or waits, in the user's language. The coordinator says it in
// English, as its log and audit keep it; what isn't known here is shown as it was said.
import { strings } from './strings/index.js';

type Words = typeof strings.reasons;

/** What the coordinator says, and how to say it with the numbers (and the reason) that it caught. */
const SAID: readonly [RegExp, (t: Words, ...caught: string[]) => string][] = [
  [/^paused by the study coordinator$/, (t) => t.paused],
  [/^stopped by the study coordinator$/, (t) => t.stopped],
  [/^all (\d+) rounds are done$/, (t, rounds) => t.done(Number(rounds))],
  [/^validation has not improved for (\d+) rounds$/, (t, rounds) => t.noBetter(Number(rounds))],
  [
    /^(\d+) of (\d+) clinics returned an update(?: by the deadline)?; the quorum is (\d+)(.*)$/,
    (t, returned, of, quorum, more) =>
      t.missed(Number(returned), Number(of), Number(quorum)) + more,
  ],
  [
    /^(\d+) attempts in a row missed the quorum: (.*)$/,
    (t, attempts, why) => t.again(Number(attempts), reasonText(why, t)),
  ],
  [
    /^a clinic was revoked, and (\d+) are left; the quorum is (\d+)(.*)$/,
    (t, left, quorum, more) => t.revoked(Number(left), Number(quorum)) + more,
  ],
  [
    /^round (\d+) can't succeed: (.*)$/,
    (t, round, why) => t.hopeless(Number(round), reasonText(why, t)),
  ],
];

export function reasonText(reason: string, t: Words = strings.reasons): string {
  for (const [pattern, say] of SAID) {
    const caught = pattern.exec(reason);
    if (caught) return say(t, ...caught.slice(1));
  }
  return reason;
}
