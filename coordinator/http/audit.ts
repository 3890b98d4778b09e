// A study's audit log: whole, page by page, and whether its chain of hashes holds.
import type { Store } from '../storage/store.js';
import type { Handlers } from './serve.js';

/** Number of entries per page. */
const PAGE = 100;

export const auditHandlers = (store: Store): Handlers<'audit' | 'auditChain' | 'auditPage'> => ({
  audit: async ({ params: { id } }) => ({
    chain: await store.verifyAudit(id),
    entries: await store.audit(id),
  }),

  auditChain: ({ params: { id } }) => store.verifyAudit(id),

  async auditPage({ params: { id }, query: { before } }) {
    const page = await store.auditPart(id, {
      ...(before !== undefined && { before }),
      limit: PAGE,
    });
    return page.toReversed();
  },
});
