// The coordinator's own secrets: each study's Ed25519 key, the admin token and the key of upload
// tickets, in files of the owner alone.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LentigoError } from '../../common/errors.js';
import { makeFolder, systemCode, writeDurably } from '../../common/files/durable.node.js';

/** A file's text without the newline at its end; null when there is none. */
async function readText(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return null;
    throw thrown;
  }
}

export class Keys {
  readonly #dataDir: string;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  /** `dataDir`/keys/<study>: the study's secret key, base64. Written before the study is. */
  async saveStudyKey(study: string, secretKey: Uint8Array): Promise<void> {
    await this.#save(this.#studyPath(study), Buffer.from(secretKey).toString('base64'));
  }

  /** @throws LENTIGO_STUDY_UNKNOWN when this data directory has no key of the study. */
  async studyKey(study: string): Promise<Uint8Array> {
    const text = await readText(this.#studyPath(study));
    if (text === null)
      throw new LentigoError(
        'LENTIGO_STUDY_UNKNOWN',
        `${this.#studyPath(study)} is missing: without its key the study can't go on. Restore it from a backup.`,
      );
    return new Uint8Array(Buffer.from(text, 'base64'));
  }

  /** The token that the console API asks for, in `dataDir`/admin-token; made at the first call. */
  async adminToken(): Promise<string> {
    return this.#loadOrMake(join(this.#dataDir, 'admin-token'), () =>
      randomBytes(32).toString('base64url'),
    );
  }

  /** 32 bytes for the HMAC of upload tickets; made at the first call. */
  async ticketKey(): Promise<Uint8Array> {
    return new Uint8Array(
      Buffer.from(
        await this.#loadOrMake(join(this.#dataDir, 'keys', 'tickets'), () =>
          randomBytes(32).toString('base64'),
        ),
        'base64',
      ),
    );
  }

  #studyPath(study: string): string {
    return join(this.#dataDir, 'keys', study);
  }

  async #loadOrMake(path: string, make: () => string): Promise<string> {
    const present = await readText(path);
    if (present) return present;
    const made = make();
    await this.#save(path, made);
    return made;
  }

  async #save(path: string, text: string): Promise<void> {
    await makeFolder(dirname(path));
    await writeDurably(path, `${text}\n`, 0o600);
  }
}
