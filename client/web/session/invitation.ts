// The invitation that the page was opened with: the part of the address after #, which no server
// sees.
import { asLentigoError, type ErrorBody } from '../../../common/errors.js';
import { errorInBody } from '../../../common/protocol/error-body.js';
import { type Invitation, parseInvitation } from '../../../common/protocol/enrolment.js';
import { parseMessage } from '../../../common/protocol/parse.js';

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

/**
 * To which study it is, or what is wrong with it, as the coordinator says; undefined if that can't be
 * asked now: the invitation is of another server, or there is no network.
 */
export async function askInvited({
  url,
  study,
  secret,
}: Invitation): Promise<{ studyName: string } | { error: ErrorBody } | undefined> {
  if (new URL(url).host !== location.host) return undefined;
  try {
    // Loaded here, so that the first page doesn't wait for it.
    const { requestOf, routes } = await import('../../../common/protocol/routes.js');
    const { path, init } = requestOf(routes.invited, { body: { study, secret } });
    const response = await fetch(url.replace(/\/+$/, '') + path, init);
    const text = await response.text();
    if (response.ok) return parseMessage(routes.invited.response, JSON.parse(text), path);
    const error = errorInBody(text)?.body();
    return error && { error };
  } catch {
    return undefined;
  }
}

/** It is used up: nobody should find it in the address. */
export function forgetInvitation(): void {
  pending = undefined;
  if (location.hash.startsWith('#invitation=')) location.replace('#/rounds');
}
