// A study coordinator's actions on studies: creates them, shows them, starts and stops them.
import { LentigoError } from '../../common/errors.js';
import { clinicsNow } from '../gateway/clinics-now.js';
import type { Presence } from '../gateway/presence.js';
import type { Studies } from '../rounds/studies.js';
import type { Store } from '../storage/store.js';
import type { Handlers } from './serve.js';

interface Parts {
  readonly store: Store;
  readonly studies: Studies;
  readonly presence: Presence;
}

export const studyHandlers = ({
  store,
  studies,
  presence,
}: Parts): Handlers<'studies' | 'createStudy' | 'study' | 'round' | 'change' | 'act'> => ({
  studies: () => studies.list(),

  async createStudy({ body }) {
    const { state } = await studies.create(body);
    return { id: state.id };
  },

  async study({ params: { id } }) {
    const { state } = studies.runner(id);
    const [record, clinics, invitations, rounds, evaluations] = await Promise.all([
      store.study(id),
      store.clinics(id),
      store.invitations(id),
      store.rounds(id),
      store.evaluations(id),
    ]);
    const nowOf = clinicsNow(state, presence);
    return {
      ...state,
      publicKey: record.publicKey,
      architecture: record.architecture,
      labels: record.labels,
      createdAt: record.createdAt,
      auditHead: record.auditHead,
      clinics: clinics.map((c) => ({ ...c, ...nowOf(c.id) })),
      invitations,
      rounds,
      evaluations,
    };
  },

  async round({ params: { id, number } }) {
    const last = (await store.round(id, number)).at(-1);
    if (!last)
      throw new LentigoError('LENTIGO_ROUND_UNKNOWN', `Study ${id} has had no round ${number}.`);
    const evaluation = (await store.evaluations(id, number, number)).at(-1) ?? null;
    return {
      evaluation,
      updates: last.updates.map(({ acceptedAt, ...update }) => ({
        ...update,
        seconds: (acceptedAt - (last.openedAt ?? acceptedAt)) / 1000,
      })),
    };
  },

  async change({ params: { id }, body }) {
    const runner = studies.runner(id);
    await runner.change(body);
    return { id: runner.state.id, status: runner.state.status };
  },

  async act({ params: { id, action } }) {
    const runner = studies.runner(id);
    await runner.request(action);
    return { id: runner.state.id, status: runner.state.status };
  },
});
