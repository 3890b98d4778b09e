// The vault's life cycle: created once, opened by passphrase, given another passphrase, deleted.
import { type VaultDatabase, deleteDatabase, openDatabase } from './database.js';
import { EncryptedStore } from './encrypted-store.js';
import { changePassphrase, createVault, openVault } from './vault.js';

export class Vault {
  readonly #database: VaultDatabase;
  private constructor(database: VaultDatabase) {
    this.#database = database;
  }
  static async inThisBrowser(): Promise<Vault> {
    return new Vault(await openDatabase());
  }
  async exists(): Promise<boolean> {
    return (await this.#database.count('lock')) > 0;
  }
  async create(passphrase: string): Promise<EncryptedStore> {
    const { wrapped, key } = await createVault(passphrase);
    // `add` fails if another tab was quicker, whose lock must stay.
    await this.#database.add('lock', wrapped, 'lock');
    return new EncryptedStore(this.#database, key);
  }
  /**
   * Opens the vault.
   * @throws LENTIGO_PASSPHRASE_WRONG, LENTIGO_VAULT_DAMAGED
   */
  async open(passphrase: string): Promise<EncryptedStore> {
    return new EncryptedStore(
      this.#database,
      await openVault(await this.#database.get('lock', 'lock'), passphrase),
    );
  }
  /**
   * Locks the vault with another passphrase.
   * @throws LENTIGO_PASSPHRASE_WRONG
   */
  async changePassphrase(old: string, passphrase: string): Promise<void> {
    await this.#database.put(
      'lock',
      await changePassphrase(await this.#database.get('lock', 'lock'), old, passphrase),
      'lock',
    );
  }
  async deleteAll(): Promise<void> {
    this.#database.close();
    await deleteDatabase();
  }
}
