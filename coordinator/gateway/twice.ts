// Records that two machines use one clinic's identity, as after a home was copied or restored.
import { asLentigoError } from '../../common/errors.js';
import type { GatewayParts } from './clinics.js';

/** Of machines that take turns, one entry within this time, ms. */
const TOGETHER_MS = 3_600_000;

export function recordTwice({
  store,
  presence,
  log,
}: Pick<GatewayParts, 'store' | 'presence' | 'log'>): void {
  const recorded = new Map<string, number>();
  presence.onDisplaced((study, clinic) => {
    void record(study, clinic).catch((thrown: unknown) =>
      log.warn({ err: asLentigoError(thrown), study, clinic }, 'two machines: not recorded'),
    );
  });

  async function record(study: string, clinic: string): Promise<void> {
    const { name } = await store.clinic(study, clinic);
    log.warn(
      { study, clinic, code: 'LENTIGO_CLINIC_ELSEWHERE' },
      `two machines connect as ${name}: the one that was connected was sent away`,
    );
    const now = performance.now();
    const last = recorded.get(`${study}/${clinic}`);
    if (last !== undefined && now - last < TOGETHER_MS) return;
    recorded.set(`${study}/${clinic}`, now);
    await store.record(study, [
      { actor: clinic, action: 'clinic-twice', detail: { clinic, name } },
    ]);
  }
}
