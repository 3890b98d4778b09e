// A process to be killed: writes transitions as fast as it can, and prints the audit head of each
// once it is acknowledged.
import { writeSync } from 'node:fs';
import { openDatabase } from '../../../coordinator/storage/database.js';
import { Store } from '../../../coordinator/storage/store.js';
import { anOpenRound, anUpdate } from './fixtures.js';

const [dataDir = '', study = '', clinic = ''] = process.argv.slice(2);
const store = new Store(await openDatabase({ dataDir }));
let { state } = await store.study(study);
for (;;) {
  const number = state.completed + 1;
  state = {
    ...state,
    completed: number,
    round: anOpenRound(state.next, {
      number,
      cohort: [clinic],
      updates: [anUpdate(clinic)],
    }),
  };
  const { auditHead, version } = await store.transition(state, {
    audit: [{ actor: clinic, action: 'step', detail: { number } }],
    update: { clinic, receipt: (audit) => ({ body: audit, signature: 'A'.repeat(86) + '==' }) },
  });
  state = { ...state, version };
  writeSync(1, `${auditHead}\n`);
}
