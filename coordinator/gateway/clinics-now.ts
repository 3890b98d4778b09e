// What each clinic of a study does at this moment, as consoles and commands show it.
import type { ClinicNow } from '../../common/protocol/console.js';
import { openedOf, type StudyState } from '../rounds/state.js';
import type { Presence } from './presence.js';

/**
 * By clinic id. Progress is shown while its round is open and nothing came of it yet: afterwards it
 * would be of a moment ago.
 */
export function clinicsNow(
  { id, round }: Pick<StudyState, 'id' | 'round'>,
  presence: Presence,
): (clinic: string) => ClinicNow {
  const opened = round && openedOf(round);
  const goesOn = round !== null && round.phase !== 'closed' && round.phase !== 'failed';
  const returned = new Set(goesOn ? opened?.updates.map((u) => u.clinic) : []);
  const declines = new Map(opened?.declines.map((d) => [d.clinic, d.code]));
  const invited = new Set(goesOn ? opened?.cohort : []);
  const nowOf = (clinic: string): ClinicNow['now'] => {
    if (declines.has(clinic)) return 'declined';
    if (returned.has(clinic)) return 'returned';
    return invited.has(clinic) ? 'invited' : 'absent';
  };
  return (clinic) => {
    const now = nowOf(clinic);
    const progress = presence.progress(id, clinic);
    const isOfNow =
      now === 'invited' && round?.phase === 'open' && progress?.attempt === round.attempt;
    return {
      now,
      declined: declines.get(clinic) ?? null,
      connected: presence.isConnected(id, clinic),
      progress: isOfNow ? progress : null,
      displacedAt: presence.displacedAt(id, clinic),
    };
  };
}
