import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../common/crypto/bytes.js';
import { openPiece, sealPiece } from '../../../client/web/vault/seal.js';
import { changePassphrase, createVault, openVault } from '../../../client/web/vault/vault.js';

const code = (code: string) => expect.objectContaining({ code });

describe('the vault', async () => {
  const { wrapped, key } = await createVault('Löwenzahn im Wind');
  const sealed = await sealPiece(key, 'images/1', 0, utf8('a photograph'));
  const opens = async (key: CryptoKey) =>
    new TextDecoder().decode(await openPiece(key, 'images/1', 0, sealed));

  it('opens what it sealed after the passphrase is given again, as its parts were stored', async () => {
    expect(
      await opens(await openVault(JSON.parse(JSON.stringify(wrapped)), 'Löwenzahn im Wind')),
    ).toBe('a photograph');
  });

  it('takes the same letters in another Unicode form', async () => {
    expect(await opens(await openVault(wrapped, 'Löwenzahn im Wind'.normalize('NFD')))).toBe(
      'a photograph',
    );
  });

  it('refuses a wrong passphrase with its own error', async () => {
    await expect(openVault(wrapped, 'löwenzahn im wind')).rejects.toEqual(
      code('LENTIGO_PASSPHRASE_WRONG'),
    );
    await expect(changePassphrase(wrapped, 'wrong one', 'another one')).rejects.toEqual(
      code('LENTIGO_PASSPHRASE_WRONG'),
    );
  });

  it('keeps its data key when the passphrase is changed, and no longer opens with the old one', async () => {
    const changed = await changePassphrase(wrapped, 'Löwenzahn im Wind', 'another one');
    expect(await opens(await openVault(changed, 'another one'))).toBe('a photograph');
    await expect(openVault(changed, 'Löwenzahn im Wind')).rejects.toEqual(
      code('LENTIGO_PASSPHRASE_WRONG'),
    );
  });

  it("cannot be made cheaper to guess: the derivation's settings are bound to the key", async () => {
    const cheap = { ...wrapped, kdf: { ...wrapped.kdf, memoryKiB: 1024 } };
    await expect(openVault(cheap, 'Löwenzahn im Wind')).rejects.toEqual(
      code('LENTIGO_PASSPHRASE_WRONG'),
    );
    await expect(openVault({ ...wrapped, version: 2 }, 'Löwenzahn im Wind')).rejects.toEqual(
      code('LENTIGO_VAULT_DAMAGED'),
    );
  });

  it('gives no script the bytes of its key', async () => {
    for (const held of [key, await openVault(wrapped, 'Löwenzahn im Wind')]) {
      expect(held.extractable).toBe(false);
      await expect(crypto.subtle.exportKey('raw', held)).rejects.toThrow();
    }
  });

  it('refuses a piece that was altered, or moved to the place of another', async () => {
    await expect(openPiece(key, 'images/2', 0, sealed)).rejects.toEqual(
      code('LENTIGO_VAULT_DAMAGED'),
    );
    await expect(openPiece(key, 'images/1', 1, sealed)).rejects.toEqual(
      code('LENTIGO_VAULT_DAMAGED'),
    );
    for (let at = 0; at < sealed.length; at++) {
      const altered = sealed.slice();
      altered[at]! ^= 1;
      await expect(openPiece(key, 'images/1', 0, altered)).rejects.toEqual(
        code('LENTIGO_VAULT_DAMAGED'),
      );
    }
  });

  it('seals the same bytes differently each time', async () => {
    expect(await sealPiece(key, 'images/1', 0, utf8('a photograph'))).not.toEqual(sealed);
  });
});
