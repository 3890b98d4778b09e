// The audit chain: each entry's hash covers the entry before it, so that none can be changed,
// dropped or inserted unseen.
import { createHash } from 'node:crypto';
import type { Json } from '../rounds/records.js';

/** What the first entry of a chain names as its predecessor. */
export const CHAIN_START = '0'.repeat(64);

/**
 * JSON with the keys of every object in code-unit order and nothing undefined: equal values give
 * equal texts.
 */
export function canonicalJson(value: Json): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** The fields of an entry that its hash covers. */
export interface ChainLink {
  readonly previous: string;
  readonly seq: number;
  readonly study: string;
  /** Milliseconds since the epoch, UTC. */
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  /** Canonical JSON. */
  readonly detail: string;
}

/**
 * SHA-256 (hexadecimal) over the JSON array [previous, seq, study, at as ISO 8601, actor, action,
 * detail], UTF-8.
 */
export function chainHash(link: ChainLink): string {
  const { previous, seq, study, at, actor, action, detail } = link;
  return createHash('sha256')
    .update(
      JSON.stringify([previous, seq, study, new Date(at).toISOString(), actor, action, detail]),
    )
    .digest('hex');
}
