// Audit entries as sentences: "Round 7 aggregated, 4 of 5 clinics returned".
import { z } from 'zod';
import type { AuditLine, LiveStudy } from '../../../common/protocol/console.js';
import { count, scoreText } from '../format.js';
import { codeText } from '../reason.js';
import { strings } from '../strings/index.js';

const t = strings.feed;

/** Fields that an entry's details may have; each entry has some of them. */
const Detail = z
  .object({
    round: z.int(),
    attempt: z.string(),
    clinic: z.string(),
    name: z.string(),
    clinicName: z.string(),
    cohort: z.array(z.string()),
    samples: z.number(),
    score: z.number(),
    code: z.string(),
    reason: z.string(),
    from: z.record(z.string(), z.number()),
    to: z.record(z.string(), z.number()),
  })
  .partial();

export interface Sentence {
  readonly text: string;
  readonly kind: 'good' | 'bad' | 'plain';
}

export type Named = Pick<LiveStudy, 'clinics' | 'rounds' | 'config'>;

/** Null for entries without interest to people; the audit log shows them. */
export function sentenceOf({ action, actor, detail }: AuditLine, study: Named): Sentence | null {
  const d = Detail.safeParse(detail ?? {}).data ?? {};
  const nameOf = (id: string | undefined): string =>
    study.clinics.find((c) => c.id === id)?.name ?? d.name ?? id ?? '';
  const round = strings.overview.round(d.round ?? 0);
  const row = study.rounds.find((r) => r.attempt === d.attempt);
  const plain = (text: string): Sentence => ({ text, kind: 'plain' });
  const good = (text: string): Sentence => ({ text, kind: 'good' });
  const bad = (text: string): Sentence => ({ text, kind: 'bad' });
  switch (action) {
    case 'create':
      return plain(t.create);
    case 'start':
      return good(t.start);
    case 'pause':
      return plain(t.pause);
    case 'resume':
      return good(t.resume);
    case 'change':
      return plain(
        t.change(
          Object.entries(d.to ?? {})
            .map(([name, value]) => `${name} ${d.from?.[name] ?? ''} → ${value}`)
            .join(', '),
        ),
      );
    case 'stop':
      return bad(t.stop);
    case 'plan':
      return plain(t.plan);
    case 'open':
      return plain(t.open(round, d.cohort?.length ?? 0));
    case 'update':
      return plain(t.update(nameOf(d.clinic), round, count(d.samples ?? 0)));
    case 'update-refused':
      return bad(t.refused(nameOf(d.clinic), round, codeText(d.code ?? '')));
    case 'decline':
      return bad(t.declined(nameOf(d.clinic), round, codeText(d.code ?? '')));
    case 'clinic-twice':
      return bad(t.twice(nameOf(d.clinic)));
    case 'deadline':
      return plain(t.deadline(round));
    case 'aggregated':
      return good(t.aggregated(round, row?.returned ?? 0, row?.cohort ?? 0));
    case 'evaluated':
      return good(
        t.evaluated(
          round,
          strings.results.metrics[study.config.evaluation.select],
          scoreText(d.score),
        ),
      );
    case 'work-failed':
      return bad(t.failed(d.reason ?? ''));
    case 'clinic-invited':
      return plain(t.invited(d.clinicName ?? ''));
    case 'clinic-enrolled':
      return plain(t.enrolled(nameOf(actor)));
    case 'clinic-approved':
      return good(t.approved(nameOf(d.clinic)));
    case 'clinic-revoked':
      return bad(t.revoked(nameOf(d.clinic)));
    default:
      return null;
  }
}

/** An entry's details as they are, "name: value; …"; empty where it has none. */
export const detailText = (detail: unknown): string =>
  Object.entries(z.record(z.string(), z.unknown()).catch({}).parse(detail))
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('; ');

/** The name of the actor: a clinic's name, or the coordinator or administrator. */
export const actorName = (actor: string, clinics: Named['clinics']): string =>
  actor === 'admin'
    ? t.admin
    : actor === 'coordinator'
      ? t.coordinator
      : (clinics.find((c) => c.id === actor)?.name ?? actor);
