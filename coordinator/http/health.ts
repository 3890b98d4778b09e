// Health, for supervisors that restart failed services, and metrics for Prometheus.
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Presence } from '../gateway/presence.js';
import { openedOf } from '../rounds/state.js';
import type { Studies } from '../rounds/studies.js';
import type { Database } from '../storage/database.js';
import type { Handlers } from './serve.js';

export function healthHandlers(
  database: Database,
  studies: Studies,
  presence: Presence,
): Handlers<'health' | 'metrics'> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, labels: string[], collect: (gauge: Gauge) => void) =>
    new Gauge({
      name,
      help,
      labelNames: labels,
      registers: [registry],
      collect() {
        this.reset();
        collect(this);
      },
    });
  gauge('lentigo_clinics_connected', 'Clinics connected now, over all studies.', [], (g) =>
    g.set(presence.size),
  );
  gauge('lentigo_studies', 'Studies by status.', ['status'], (g) =>
    studies.all.forEach((r) => g.inc({ status: r.state.status })),
  );
  gauge('lentigo_rounds_completed', 'Training rounds closed.', ['study'], (g) =>
    studies.all.forEach((r) => g.set({ study: r.state.id }, r.state.completed)),
  );
  gauge('lentigo_round_updates', 'Updates accepted in the round in flight.', ['study'], (g) =>
    studies.all.forEach((r) =>
      g.set({ study: r.state.id }, (r.state.round && openedOf(r.state.round)?.updates.length) ?? 0),
    ),
  );
  gauge(
    'lentigo_best_score',
    "Best validation score, by the study's selection metric.",
    ['study'],
    (g) =>
      studies.all.forEach((r) => r.state.best && g.set({ study: r.state.id }, r.state.best.score)),
  );

  return {
    async health() {
      await database.pool.query('SELECT 1');
      return { status: 'ok', database: database.kind };
    },
    async metrics(_request, response) {
      response.type(registry.contentType).send(await registry.metrics());
    },
  };
}
