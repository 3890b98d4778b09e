// A clinic whose update is decided by its place in the cohort and the round alone, so that two
// studies can be sent the very same updates; sent by the product's own uploader.
import { setTimeout as sleep } from 'node:timers/promises';
import { upload } from '../../client/participation/upload.js';
import type { ConsoleClient } from '../../coordinator/console-client.js';
import { deltaFor, Member, sha256 } from '../support/member.js';

export interface FixedClinics {
  readonly study: string;
  /** In clinic-id order, as updates are aggregated. */
  readonly members: readonly Member[];
  /**
   * Connects every clinic and takes part in each round that is announced, until the signal;
   * failures of the network are expected.
   */
  takePart(signal: AbortSignal, sending?: () => void): Promise<void>;
}

export async function fixedClinics(
  admin: ConsoleClient,
  study: string,
  count: number,
): Promise<FixedClinics> {
  const members: Member[] = [];
  for (let i = 0; i < count; i++)
    members.push(await Member.approved(admin, study, `Clinic ${i + 1}`));
  members.sort((a, b) => (a.id < b.id ? -1 : 1));
  /** An attempt is sealed once: what is sent again are the same bytes. */
  const sealed = new Map<string, Uint8Array>();
  const done = new Set<string>();

  async function answer(
    member: Member,
    index: number,
    round: number,
    signal: AbortSignal,
    sending: () => void,
  ): Promise<void> {
    const announcement = await member.round(round);
    const key = `${announcement.attempt}/${member.id}`;
    if (done.has(key)) return;
    const bytes =
      sealed.get(key) ??
      (await member.seal(announcement, { delta: deltaFor(announcement, `${index}/${round}`) }));
    sealed.set(key, bytes);
    const ticket = await member.ticket(announcement, bytes);
    if (!ticket.ok) {
      // Counted, and the coordinator was killed before the receipt came: the round is over.
      if (ticket.error.code !== 'LENTIGO_UPDATE_LATE') throw new Error(ticket.error.code);
      done.add(key);
      return;
    }
    sending();
    await upload(bytes, {
      endpoint: member.url + ticket.value.path,
      token: ticket.value.token,
      resume: undefined,
      signal,
      onAddress: () => undefined,
      onProgress: () => undefined,
    });
    const receipt = await member.submit(announcement, sha256(bytes));
    if (!receipt.ok) throw new Error(receipt.error.code);
    if (member.receipt(receipt.value).sha256 !== sha256(bytes))
      throw new Error('a receipt for other bytes');
    done.add(key);
  }

  return {
    study,
    members,
    async takePart(signal, sending = () => undefined) {
      const each = members.map(async (member, index) => {
        const joined = await member.join();
        if (!joined.ok) throw new Error(joined.error.code);
        for (let seen = new Set<number>(); !signal.aborted; await sleep(10)) {
          const open = member.latest;
          if (!open || seen.has(open.round) || done.has(`${open.attempt}/${member.id}`)) continue;
          await answer(member, index, open.round, signal, sending);
          seen = seen.add(open.round);
        }
      });
      const failed = (await Promise.allSettled(each)).find((r) => r.status === 'rejected');
      if (failed && !signal.aborted) throw failed.reason;
    },
  };
}
