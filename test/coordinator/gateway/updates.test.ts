// The conditions for an update to count. One round stays open for all of these tests: each refusal
// leaves it unchanged, and a correct update is still accepted at the end.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createIdentity, createRoundKey } from '../../../common/crypto/identity.js';
import { toBase64 } from '../../../common/crypto/base64.js';
import { PROTOCOL } from '../../../common/protocol/primitives.js';
import { Tickets } from '../../../coordinator/access/tickets.js';
import { Keys } from '../../../coordinator/storage/keys.js';
import {
  createStudy,
  runCoordinator,
  studyUntil,
  type TestCoordinator,
} from '../../support/coordinator.js';
import {
  type AnnouncedRound,
  createUpload,
  deltaFor,
  Member,
  patchUpload,
  sha256,
  type UpdateChanges,
} from '../../support/member.js';

let coordinator: TestCoordinator;
let study: string;
let clinic: Member;
let other: Member;
let round: AnnouncedRound;
beforeAll(async () => {
  coordinator = await runCoordinator();
  study = await createStudy(coordinator.admin, { rounds: 1 });
  [clinic, other] = [
    await Member.approved(coordinator.admin, study, 'One'),
    await Member.approved(coordinator.admin, study, 'Two'),
  ];
  await coordinator.admin.act(study, 'start');
  for (const member of [clinic, other]) await member.join();
  round = await clinic.round(1);
});
afterAll(async () => {
  clinic.close();
  other.close();
  await coordinator.close();
});

const accepted = async () => {
  const view = await coordinator.admin.study(study);
  return view.rounds.find((r) => r.attempt === round.attempt)!.updates.map((u) => u.clinic);
};
const refusals = async () =>
  (await coordinator.admin.audit(study)).entries
    .filter((e) => e.action === 'update-refused')
    .map((e) => ({ actor: e.actor, ...(e.detail as { code: string; sha256: string }) }));
/** Files that the round keeps: its key, and the accepted updates. */
const kept = async () =>
  (await readdir(join(coordinator.dataDir, 'rounds', round.attempt))).toSorted();

/**
 * Sends an update and expects this code: nothing of it counts or is stored, the refusal is in the
 * audit log, and the round stays open.
 */
async function refused(code: string, bytes: Uint8Array, claimed = bytes): Promise<void> {
  const [before, keptBefore] = [await accepted(), await kept()];
  expect(await clinic.send(round, bytes, claimed)).toMatchObject({
    ok: false,
    error: { code, message: expect.any(String), remedy: expect.stringMatching(/./) },
  });
  expect(await accepted()).toEqual(before);
  expect(await kept()).toEqual(keptBefore);
  expect((await refusals()).at(-1)).toMatchObject({
    actor: clinic.id,
    code,
    sha256: sha256(claimed),
    round: 1,
    attempt: round.attempt,
  });
  const { chain } = await coordinator.admin.audit(study);
  expect(chain.ok).toBe(true);
  expect((await coordinator.admin.study(study)).round).toMatchObject({ number: 1, phase: 'open' });
}
const sealed = (changes: UpdateChanges = {}) => clinic.seal(round, changes);
const withByte = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, i) => (i === (at + bytes.length) % bytes.length ? byte ^ 1 : byte));
const filled = (value: number) => {
  const delta = deltaFor(round, 'any');
  delta[37] = value;
  return delta;
};

describe('an update is refused', () => {
  it('when it holds NaN or infinity', async () => {
    for (const value of [NaN, Infinity, -Infinity]) {
      // Encoded as float32, because the encoder itself refuses such values.
      const payload = new Uint8Array(filled(value).buffer);
      await refused('LENTIGO_UPDATE_NOT_FINITE', await sealed({ payload }));
    }
  });
  it('when it is shorter or longer than the trainable parameters', async () => {
    const delta = deltaFor(round, 'any');
    await refused('LENTIGO_UPDATE_LENGTH', await sealed({ delta: delta.subarray(1) }));
    await refused('LENTIGO_UPDATE_LENGTH', await sealed({ delta: Float32Array.of(...delta, 0) }));
    await refused('LENTIGO_UPDATE_LENGTH', await sealed({ delta: new Float32Array() }));
  });
  it('when its norm is beyond the bound', async () => {
    await refused('LENTIGO_UPDATE_NORM', await sealed({ delta: filled(10.5) }));
  });
  it('when its sample count is out of bounds', async () => {
    for (const samples of [4, 51])
      await refused('LENTIGO_UPDATE_SAMPLES', await sealed({ claims: { samples } }));
  });
  it('when it was trained from another base model', async () => {
    await refused(
      'LENTIGO_UPDATE_OTHER_BASE',
      await sealed({ claims: { base: round.start.sha256 } }),
    );
  });
  it('when it is for another study, round or attempt', async () => {
    const id = '0198c0de-0000-7000-8000-000000000001';
    for (const claims of [{ study: id }, { round: 2 }, { attempt: id }])
      await refused('LENTIGO_UPDATE_OTHER_ROUND', await sealed({ claims }));
  });
  it('when another key signed it', async () => {
    await refused('LENTIGO_UPDATE_SIGNATURE', await sealed({ identity: createIdentity() }));
  });
  it("when it is another clinic's, sent as one's own", async () => {
    await refused('LENTIGO_UPDATE_SIGNATURE', await other.seal(round));
    await refused('LENTIGO_UPDATE_SIGNATURE', await sealed({ claims: { clinic: other.id } }));
  });
  it('when one byte of it was altered, wherever that is', async () => {
    const bytes = await sealed();
    const header = new DataView(bytes.buffer).getUint32(4, true);
    await refused('LENTIGO_UPDATE_MALFORMED', withByte(bytes, 0)); // its first bytes say what it is
    await refused('LENTIGO_UPDATE_SIGNATURE', withByte(bytes, 8 + header)); // the signature
    // the ciphertext
    await refused('LENTIGO_UPDATE_SIGNATURE', withByte(bytes, 8 + header + 64 + 20));
    await refused('LENTIGO_UPDATE_SIGNATURE', withByte(bytes, -1));
    // Altered in transit: the bytes differ from those whose hash was submitted.
    await refused('LENTIGO_UPDATE_SIGNATURE', withByte(bytes, -1), bytes);
  });
  it('when it is a valid update, but not the one that was submitted', async () => {
    await refused('LENTIGO_UPDATE_ALTERED', await sealed(), await sealed());
  });
  it("when it is sealed for a key other than the round's", async () => {
    await refused(
      'LENTIGO_UPDATE_ALTERED',
      await sealed({ roundKey: toBase64(createRoundKey().publicKey) }),
    );
  });
  it("when its encoding is not the study's", async () => {
    await refused('LENTIGO_UPDATE_MALFORMED', await sealed({ claims: { encoding: 'int8' } }));
  });
  it('when it is incomplete, or not an update at all', async () => {
    const bytes = await sealed();
    await refused('LENTIGO_UPDATE_MALFORMED', bytes.subarray(0, -10));
    await refused('LENTIGO_UPDATE_MALFORMED', bytes.subarray(0, 60));
    await refused('LENTIGO_UPDATE_MALFORMED', new TextEncoder().encode('x'.repeat(500)));
  });
  it('when the header names another protocol version', async () => {
    const bytes = await sealed();
    const text = new TextDecoder('latin1')
      .decode(bytes)
      .replace(`"protocol":${PROTOCOL}`, '"protocol":9');
    await refused(
      'LENTIGO_PROTOCOL_VERSION',
      Uint8Array.from(text, (c) => c.charCodeAt(0)),
    );
  });
  it('when nothing was uploaded for it', async () => {
    expect(await clinic.submit(round, 'ab'.repeat(32))).toMatchObject({
      ok: false,
      error: { code: 'LENTIGO_UPDATE_MALFORMED' },
    });
    expect((await refusals()).at(-1)).toMatchObject({
      code: 'LENTIGO_UPDATE_MALFORMED',
      sha256: 'ab'.repeat(32),
    });
  });
  it('when it is for a round that was not announced', async () => {
    const bytes = await sealed();
    expect(await clinic.ticket({ ...round, round: 2 }, bytes)).toMatchObject({
      ok: false,
      error: { code: 'LENTIGO_ROUND_UNKNOWN' },
    });
    expect(await clinic.submit({ ...round, round: 2 }, sha256(bytes))).toMatchObject({
      ok: false,
      error: { code: 'LENTIGO_ROUND_UNKNOWN' },
    });
  });
});

describe('an upload', () => {
  let ticketed: Uint8Array;
  let endpoint: string;
  let token: string;
  beforeAll(async () => {
    ticketed = await sealed();
    const ticket = await clinic.ticket(round, ticketed);
    if (!ticket.ok) throw new Error(ticket.error.code);
    endpoint = coordinator.url + ticket.value.path;
    token = ticket.value.token;
  });
  const signer = async (now: () => number) =>
    new Tickets(await new Keys(coordinator.dataDir).ticketKey(), now);
  const claims = () => ({
    study,
    attempt: round.attempt,
    clinic: clinic.id,
    sha256: sha256(ticketed),
    bytes: ticketed.length,
  });

  it('without a ticket, or with a forged or expired one, is refused', async () => {
    const [body, mac] = token.split('.') as [string, string];
    const richer = Buffer.from(
      JSON.stringify({ ...claims(), bytes: 1e9, expires: Date.now() + 1e6 }),
    ).toString('base64url');
    const foreign = new Tickets(new Uint8Array(32).fill(7), Date.now).issue(claims());
    const expired = (await signer(() => Date.now() - 7_200_000)).issue(claims());
    for (const bad of [
      undefined,
      'x',
      '.',
      `${body}.`,
      `${body}.${mac.slice(1)}`,
      `${richer}.${mac}`,
      foreign,
      expired,
    ]) {
      expect(await createUpload(endpoint, bad, ticketed.length), bad).toMatchObject({
        status: 403,
        code: 'LENTIGO_UPLOAD_TICKET',
      });
    }
    expect(
      await createUpload(endpoint, (await signer(Date.now)).issue(claims()), ticketed.length),
    ).toMatchObject({ status: 201 });
  });
  it("whose length differs from its ticket's is refused", async () => {
    for (const length of [ticketed.length - 1, ticketed.length + 1, 1e9]) {
      const answer = await createUpload(endpoint, token, length);
      expect(answer.status, JSON.stringify(answer)).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
    }
  });
  it('that exceeds the announced length is refused, and keeps what it has', async () => {
    const { location } = await createUpload(endpoint, token, ticketed.length);
    const address = new URL(location!, coordinator.url).href;
    const half = ticketed.length >> 1;
    expect(await patchUpload(address, token, 0, ticketed.subarray(0, half))).toMatchObject({
      status: 204,
    });
    const beyond = await patchUpload(address, token, half, new Uint8Array(ticketed.length));
    expect(beyond.status).toBeGreaterThanOrEqual(400);
    const head = await fetch(address, {
      method: 'HEAD',
      headers: { 'tus-resumable': '1.0.0', authorization: `Bearer ${token}` },
    });
    expect(Number(head.headers.get('upload-offset'))).toBeLessThanOrEqual(ticketed.length);
    // An incomplete upload isn't counted.
    if (Number(head.headers.get('upload-offset')) < ticketed.length)
      expect(await clinic.submit(round, sha256(ticketed))).toMatchObject({
        ok: false,
        error: { code: 'LENTIGO_UPDATE_MALFORMED' },
      });
  });
  it("with a ticket for another clinic's upload, or another of the same clinic, is refused", async () => {
    const { location } = await createUpload(endpoint, token, ticketed.length);
    const address = new URL(location!, coordinator.url).href;
    const theirs = await other.ticket(round, ticketed);
    const second = await clinic.ticket(round, await sealed());
    if (!theirs.ok || !second.ok) throw new Error('no ticket');
    for (const wrong of [theirs.value.token, second.value.token]) {
      expect(await patchUpload(address, wrong, 0, ticketed)).toMatchObject({
        status: 403,
        code: 'LENTIGO_UPLOAD_TICKET',
      });
    }
    expect(
      await patchUpload(`${coordinator.url}/uploads/..%2f..%2fadmin-token`, token, 0, ticketed),
    ).toMatchObject({ status: 404 });
    expect(await patchUpload(address, token, 0, ticketed)).toMatchObject({ status: 204 });
  });
  it('replaces an earlier one of the same clinic, and no other: nobody can fill the disk', async () => {
    const uploads = async () =>
      (await readdir(join(coordinator.dataDir, 'uploads'))).filter(
        (name) => !name.endsWith('.json'),
      );
    const theirs = await other.ticket(round, ticketed);
    if (!theirs.ok) throw new Error('no ticket');
    await createUpload(endpoint, theirs.value.token, ticketed.length);
    for (let i = 0; i < 3; i++) {
      const bytes = await sealed();
      const mine = await clinic.ticket(round, bytes);
      if (!mine.ok) throw new Error('no ticket');
      expect(await createUpload(endpoint, mine.value.token, bytes.length)).toMatchObject({
        status: 201,
      });
      expect((await uploads()).toSorted()).toEqual(
        [
          `${round.attempt}_${clinic.id}_${sha256(bytes)}`,
          `${round.attempt}_${other.id}_${sha256(ticketed)}`,
        ].toSorted(),
      );
    }
  });
  it('larger than any update of the study can be gets no ticket', async () => {
    expect(await clinic.ticket(round, ticketed, { bytes: 1_000_000 })).toMatchObject({
      ok: false,
      error: { code: 'LENTIGO_UPDATE_LENGTH' },
    });
  });
});

it('a clinic that is refused repeatedly does not fill the audit log: a hundred refusals in a round are written one by one, then every doubling', async () => {
  for (let i = 0; i < 250; i++)
    expect(await other.submit(round, sha256(Uint8Array.of(i)))).toMatchObject({
      ok: false,
      error: { code: 'LENTIGO_UPDATE_MALFORMED' },
    });
  const written = (await coordinator.admin.audit(study)).entries
    .filter((e) => e.action === 'update-refused' && e.actor === other.id)
    .map((e) => (e.detail as { refusals: number }).refusals);
  expect(written).toEqual([...Array.from({ length: 100 }, (_, i) => i + 1), 200]);
});

describe('a correct update', () => {
  it('is counted once: sent again it gets the same receipt, and another update is refused', async () => {
    const bytes = await sealed();
    const first = await clinic.send(round, bytes);
    if (!first.ok) throw new Error(first.error.message);
    const receipt = clinic.receipt(first.value);
    expect(receipt).toMatchObject({
      study,
      round: 1,
      attempt: round.attempt,
      clinic: clinic.id,
      sha256: sha256(bytes),
      samples: 12,
    });
    expect(await accepted()).toEqual([clinic.id]);
    expect(await kept()).toEqual([`${clinic.id}.sealed`, 'key'].toSorted());

    expect(await clinic.submit(round, sha256(bytes))).toEqual(first);
    expect(await clinic.send(round, bytes)).toEqual(first); // uploaded again, too
    await refused('LENTIGO_UPDATE_CONFLICT', await sealed({ delta: filled(0.5) }));
    expect(await accepted()).toEqual([clinic.id]);

    const { chain, entries } = await coordinator.admin.audit(study);
    expect(chain).toEqual({ ok: true, entries: entries.length });
    const updates = entries.filter((e) => e.action === 'update');
    expect(updates).toMatchObject([
      { actor: clinic.id, detail: { sha256: sha256(bytes), samples: 12 } },
    ]);
    expect(receipt.audit).toBe(updates[0]!.hash);
  });
  it('that completes the round leaves neither the round key nor any sealed update on disk', async () => {
    // Sent three times at the same moment: all get the same receipt.
    const bytes = await other.seal(round);
    const ticket = await other.ticket(round, bytes);
    if (!ticket.ok) throw new Error(ticket.error.code);
    const { location } = await createUpload(
      coordinator.url + ticket.value.path,
      ticket.value.token,
      bytes.length,
    );
    await patchUpload(new URL(location!, coordinator.url).href, ticket.value.token, 0, bytes);
    const answers = await Promise.all([1, 2, 3].map(() => other.submit(round, sha256(bytes))));
    expect(answers[0]).toMatchObject({ ok: true });
    expect(answers).toEqual([answers[0], answers[0], answers[0]]);

    const view = await studyUntil(coordinator.admin, study, (v) => v.status === 'completed');
    expect(view.rounds.at(-1)).toMatchObject({
      number: 1,
      phase: 'closed',
      updates: [{ samples: 12 }, { samples: 12 }],
    });
    expect(view.evaluations.map((e) => e.round)).toEqual([0, 1]);
    await expect.poll(() => readdir(join(coordinator.dataDir, 'rounds'))).toEqual([]);
    await expect.poll(() => readdir(join(coordinator.dataDir, 'uploads'))).toEqual([]);
    // Late, but the same update: its receipt is unchanged. Any other update is too late.
    expect(await other.submit(round, sha256(bytes))).toEqual(answers[0]);
    const late = await clinic.seal(round, { delta: filled(0.1) });
    expect(await clinic.ticket(round, late)).toMatchObject({
      ok: false,
      error: { code: 'LENTIGO_UPDATE_LATE' },
    });
  });
});
