// Why a study or a round has ended or waits, in the user's language. The coordinator says it in
// English, as its log and audit keep it; what isn't known here is shown as it was said.
import { type ErrorCode, ERRORS } from '../../common/errors.js';
import type { Strings } from './strings/en.js';
import { strings } from './strings/index.js';

type Words = Pick<Strings, 'reasons' | 'codes'>;

/** Why a clinic can't deliver, or its update was refused, in words; an unknown code as it is. */
export const codeText = (code: string, { codes }: Pick<Words, 'codes'> = strings): string =>
  codes[code] ?? code;

/** What the coordinator says, and how to say it with the numbers (and the reason) that it caught. */
const SAID: readonly [RegExp, (t: Words, ...caught: string[]) => string][] = [
  [/^paused by the study coordinator$/, ({ reasons: t }) => t.paused],
  [/^stopped by the study coordinator$/, ({ reasons: t }) => t.stopped],
  [/^all (\d+) rounds are done$/, ({ reasons: t }, rounds) => t.done(Number(rounds))],
  [
    /^validation has not improved for (\d+) rounds$/,
    ({ reasons: t }, rounds) => t.noBetter(Number(rounds)),
  ],
  [
    /^(\d+) of (\d+) clinics returned an update(?: by the deadline)?; the quorum is (\d+)(.*)$/s,
    (t, returned, of, quorum, more) =>
      t.reasons.missed(Number(returned), Number(of), Number(quorum)) + declinesText(more, t),
  ],
  [
    /^(\d+) attempts in a row missed the quorum: (.*)$/s,
    (t, attempts, why) => t.reasons.again(Number(attempts), reasonText(why, t)),
  ],
  [
    /^a clinic was revoked, and (\d+) are left; the quorum is (\d+)(.*)$/s,
    (t, left, quorum, more) =>
      t.reasons.revoked(Number(left), Number(quorum)) + declinesText(more, t),
  ],
  [
    /^round (\d+) can't succeed: (.*)$/s,
    (t, round, why) => t.reasons.hopeless(Number(round), reasonText(why, t)),
  ],
];

export function reasonText(reason: string, t: Words = strings): string {
  for (const [pattern, say] of SAID) {
    const caught = pattern.exec(reason);
    if (caught) return say(t, ...caught.slice(1));
  }
  return reason;
}

/** ". A, B declined (CODE): what it means, and what to do", as often as there are reasons. */
function declinesText(said: string, t: Words): string {
  const [, who = '', code = '', rest = ''] =
    /^\. (.+?) declined \((LENTIGO_[A-Z_]+)\): (.*)$/s.exec(said) ?? [];
  if (!isErrorCode(code)) return said;
  const explained = `${ERRORS[code].means} ${ERRORS[code].remedy}`;
  if (!rest.startsWith(explained)) return said;
  const more = / and (\d+) more$/.exec(who);
  const names = more ? t.reasons.andMore(who.slice(0, more.index), Number(more[1])) : who;
  const others = declinesText(rest.slice(explained.length), t);
  return `. ${t.reasons.declined(names, codeText(code, t))}${others}`;
}

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERRORS, code);
