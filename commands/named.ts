// Finds the study or clinic that a word on the command line means: an ID, the beginning of one, or a
// name.
import { fingerprint } from '../common/crypto/identity.js';
import { LentigoError } from '../common/errors.js';
import { ClinicId, Id } from '../common/protocol/primitives.js';
import type { ConsoleClient } from '../coordinator/console-client.js';

interface Named {
  readonly id: string;
  readonly name: string;
}

/** As names are compared: capitals and the number of spaces don't matter. */
const plain = (name: string): string => name.trim().replaceAll(/\s+/g, ' ').toLowerCase();

/** Those of this name, and those whose ID begins so. */
const matches = <T extends Named>(all: readonly T[], word: string, beginning: string): T[] =>
  all.filter(
    ({ id, name }) =>
      plain(name) === plain(word) || (beginning !== '' && id.toLowerCase().startsWith(beginning)),
  );

const ambiguous = (word: string, found: readonly string[]): LentigoError =>
  new LentigoError(
    'LENTIGO_USAGE',
    `"${word}" may be any of these; give more of the ID:\n${found.map((one) => `  ${one}`).join('\n')}`,
  );

/**
 * The ID of the study that a word means.
 * @throws LENTIGO_STUDY_UNKNOWN; LENTIGO_USAGE naming those that it may mean
 */
export async function studyNamed(console: ConsoleClient, word: string): Promise<string> {
  const id = word.trim().toLowerCase();
  if (Id.safeParse(id).success) return id;
  const found = matches(await console.studies(), word, id);
  if (found.length > 1)
    throw ambiguous(
      word,
      found.map((s) => `${s.id}  ${s.name}`),
    );
  if (found[0]) return found[0].id;
  throw new LentigoError(
    'LENTIGO_STUDY_UNKNOWN',
    `No study has the name "${word}", or an ID that begins so.`,
  );
}

/**
 * The ID of the clinic that words mean in a study: its name or its fingerprint, whole or its
 * beginning, with or without spaces.
 * @throws LENTIGO_CLINIC_UNKNOWN naming those that there are; LENTIGO_USAGE naming those that it may
 *   mean
 */
export async function clinicNamed(
  console: ConsoleClient,
  study: string,
  words: readonly string[],
): Promise<string> {
  const word = words.join(' ').trim();
  const id = word.replaceAll(/\s/g, '').toLowerCase();
  if (ClinicId.safeParse(id).success) return id;
  const { clinics, invitations, config } = await console.study(study);
  const shown = (c: Named) => `${fingerprint(c.id)}  ${c.name}`;
  const found = matches(clinics, word, id);
  if (found.length > 1) throw ambiguous(word, found.map(shown));
  if (found[0]) return found[0].id;
  if (invitations.some((i) => i.usedAt === null && plain(i.clinicName) === plain(word)))
    throw new LentigoError(
      'LENTIGO_CLINIC_UNKNOWN',
      `"${word}" is invited to "${config.name}", but has not enrolled yet.`,
    );
  const enrolled =
    clinics.length > 0
      ? `Enrolled:\n${clinics.map((c) => `  ${shown(c)}`).join('\n')}`
      : 'None has enrolled yet.';
  throw new LentigoError(
    'LENTIGO_CLINIC_UNKNOWN',
    `No clinic of "${config.name}" has the name or fingerprint "${word}". ${enrolled}`,
  );
}
