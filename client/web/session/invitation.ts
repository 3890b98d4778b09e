// The invitation that the page was opened with: the part of the address after #, which no server
// sees.
import { asLentigoError } from '../../../common/errors.js';
import { type Invitation, parseInvitation } from '../../../common/protocol/enrolment.js';

/**
 * The invitation in a link (…/clinic/#invitation=…) or in pasted text: the word itself, or the
 * link.
 * @throws LENTIGO_INVITATION_INVALID, LENTIGO_PROTOCOL_VERSION
 */
function invitationIn(text: string): Invitation {
  const at = text.indexOf('#invitation=');
  return parseInvitation(
    at < 0 ? text : decodeURIComponent(text.slice(at + '#invitation='.length)),
  );
}

/** The same, or what is wrong with it. */
export function tryInvitation(
  text: string,
): { invitation: Invitation } | { error: ReturnType<ReturnType<typeof asLentigoError>['body']> } {
  try {
    return { invitation: invitationIn(text) };
  } catch (thrown) {
    return { error: asLentigoError(thrown).body() };
  }
}

type Pending = ReturnType<typeof tryInvitation>;
let pending: Pending | undefined = location.hash.startsWith('#invitation=')
  ? tryInvitation(location.hash)
  : undefined;

export const pendingInvitation = (): Pending | undefined => pending;

/** It is used up: nobody should find it in the address. */
export function forgetInvitation(): void {
  pending = undefined;
  if (location.hash.startsWith('#invitation=')) location.replace('#/rounds');
}
