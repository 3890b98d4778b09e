// A study's audit log as text: who did what in which round, by name, and the chain of hashes.
import { z } from 'zod';
import type { AuditLine, StudyView } from '../common/protocol/console.js';

const Values = z.record(z.string(), z.unknown());
/** Fields that an entry's details may have, of those that are shown. */
const Detail = z
  .object({
    round: z.int(),
    clinic: z.string(),
    name: z.string(),
    clinicName: z.string(),
    cohort: z.array(z.string()),
    samples: z.number(),
    code: z.string(),
    reason: z.string(),
    select: z.string(),
    score: z.number(),
    from: Values,
    to: Values,
  })
  .partial();

/** One line for each entry, the oldest first. */
export function auditLines(entries: readonly AuditLine[], clinics: StudyView['clinics']): string[] {
  const names = new Map(clinics.map((c) => [c.id, c.name]));
  const nameOf = (id: string): string => names.get(id) ?? id;
  const actors = entries.map((e) => nameOf(e.actor));
  const width = (texts: readonly string[]) => Math.max(0, ...texts.map((text) => text.length));
  const [actorWidth, actionWidth] = [width(actors), width(entries.map((e) => e.action))];
  return entries.map(({ seq, at, action, detail, hash }, i) =>
    [
      String(seq).padStart(5),
      new Date(at).toISOString(),
      hash.slice(0, 12),
      actors[i]!.padEnd(actorWidth),
      action.padEnd(actionWidth),
      whatOf(detail, actors[i]!, nameOf),
    ]
      .join('  ')
      .trimEnd(),
  );
}

/** "round 3, Clinic North, LENTIGO_DISK_FULL": what an entry's details say. */
function whatOf(detail: unknown, actor: string, nameOf: (id: string) => string): string {
  const d = Detail.safeParse(detail ?? {}).data;
  if (!d) return '';
  const whom = d.clinic === undefined ? (d.clinicName ?? d.name) : nameOf(d.clinic);
  const changes = Object.entries(d.to ?? {}).map(
    ([name, value]) => `${name} ${String(d.from?.[name])} → ${String(value)}`,
  );
  return [
    d.round !== undefined && `round ${d.round}`,
    whom !== actor && whom,
    d.cohort?.map(nameOf).join(' + '),
    d.samples !== undefined && `${d.samples} images`,
    d.score !== undefined && `${d.select ?? 'score'} ${d.score.toFixed(3)}`,
    d.code,
    ...changes,
    d.reason,
  ]
    .filter(Boolean)
    .join(', ');
}
