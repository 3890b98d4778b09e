// A table's text or bytes as the file that a reader opens.
import type { TableSource } from '../../common/dataset/encoding.js';
import { Notes } from '../../common/dataset/notes.js';
import { type ClinicRow, readClinicTable } from '../../common/dataset/plain.js';

const tableOf = (content: string | Uint8Array, name = 'metadata.csv'): TableSource => ({
  name,
  async *open() {
    yield typeof content === 'string' ? new TextEncoder().encode(content) : content;
  },
});

/** The rows of a clinic's table, as its app reads them, and what reading noticed. */
export async function clinicRows(
  content: string | Uint8Array,
): Promise<{ rows: ClinicRow[]; notes: string[] }> {
  const notes = new Notes();
  const read = await readClinicTable([tableOf(content)], notes);
  return { rows: read!.rows, notes: notes.lines() };
}
