// The invitation that the page was opened with: the part of the address after #, which no server sees.
import { tryInvitation } from './session.js';

type Pending = ReturnType<typeof tryInvitation>;
let pending: Pending | undefined = location.hash.startsWith('#invitation=') ? tryInvitation(location.hash) : undefined;

export const pendingInvitation = (): Pending | undefined => pending;

/** It is used up: nobody should find it in the address. */
export function forgetInvitation(): void {
  pending = undefined;
  if (location.hash.startsWith('#invitation=')) location.replace('#/rounds');
}
