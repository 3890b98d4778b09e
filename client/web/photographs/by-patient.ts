// Photographs of the same patient beside each other.
import type { Photograph } from './photograph.js';

/** several: of one patient; single: of patients with one each; none: of nobody in particular. */
export interface Group {
  readonly kind: 'several' | 'single' | 'none';
  /** Of `several`. */
  readonly patient?: string;
  readonly photographs: readonly Photograph[];
}

/** Patients in the order of their first photograph; then the single ones, then those of nobody. */
export function byPatient(photographs: readonly Photograph[]): Group[] {
  const patients = new Map<string, Photograph[]>();
  const none: Photograph[] = [];
  for (const photograph of photographs) {
    const { patient_id } = photograph.fields;
    if (patient_id === undefined) none.push(photograph);
    else patients.set(patient_id, [...(patients.get(patient_id) ?? []), photograph]);
  }
  const groups: Group[] = [];
  const single: Photograph[] = [];
  for (const [patient, own] of patients) {
    if (own.length > 1) groups.push({ kind: 'several', patient, photographs: own });
    else single.push(...own);
  }
  if (single.length > 0) groups.push({ kind: 'single', photographs: single });
  if (none.length > 0) groups.push({ kind: 'none', photographs: none });
  return groups;
}
