// What clinics are told of a round: terms that are the same bytes for all, and with each sending
// the time that is left; and what a clinic takes of it.
import { describe, expect, it } from 'vitest';
import { openAnnouncement } from '../../../client/participation/announcement.js';
import { toBase64 } from '../../../common/crypto/base64.js';
import { createIdentity, createRoundKey } from '../../../common/crypto/identity.js';
import { signMessage } from '../../../common/crypto/signed.js';
import { TAGS } from '../../../common/crypto/signature.js';
// Announcements name architectures that are registered.
import '../../../common/model/architecture.js';
import { PROTOCOL } from '../../../common/protocol/primitives.js';
import type { Announcement, Signed } from '../../../common/protocol/round.js';
import type { RoundTerms } from '../../../common/protocol/terms.js';
import {
  announce,
  noticeOf,
  roundOverOf,
  signTerms,
  termsHash,
} from '../../../coordinator/rounds/announcement.js';
import type { OpenRound, RoundState } from '../../../coordinator/rounds/state.js';
import { aCheckpoint, anOpenRound, aRound } from '../storage/fixtures.js';
import { smallStudy } from './fakes.js';

const { publicKey, secretKey } = createIdentity();
const study = smallStudy({ status: 'running' });
const enrolment = { key: toBase64(publicKey), study: study.state.id };
const cohort = ['a'.repeat(32), 'b'.repeat(32)];
const roundKey = toBase64(createRoundKey().publicKey);
const planned = aRound(aCheckpoint());
const terms = signTerms(study, planned, { cohort, roundKey }, secretKey);
const round: OpenRound = { ...anOpenRound(planned.from), ...planned, phase: 'open', cohort, terms };

const refused = (code: string) => expect.objectContaining({ code });
const open = (announcement: Announcement) => openAnnouncement(announcement, enrolment);
/** Other terms, rightly signed and delivered. */
const withTerms = (change: object): Announcement => {
  const changed = { ...(JSON.parse(terms.body) as RoundTerms), ...change };
  const signed = signMessage(TAGS.terms, changed, secretKey);
  return announce({ ...round, terms: signed }, 1000, secretKey);
};
const altered = ({ body, signature }: Signed, at: number): Signed => {
  const other = body[at] === '1' ? '2' : '1';
  return { body: `${body.slice(0, at)}${other}${body.slice(at + 1)}`, signature };
};

describe("a round's announcement", () => {
  it('tells what the study and the round are', async () => {
    const { config, start } = study.state;
    expect(await open(announce(round, 59_000, secretKey))).toEqual({
      terms: {
        protocol: PROTOCOL,
        study: study.state.id,
        round: planned.number,
        attempt: planned.attempt,
        roundKey,
        architecture: study.architecture,
        labels: study.labels,
        start,
        base: planned.from.parameters,
        training: config.training,
        updates: config.updates,
        clientPart: null,
        seed: config.seed,
        cohort,
      },
      remainingMs: 59_000,
    });
  });

  it('has the same terms, byte for byte, for every clinic and at every sending; only the delivery differs', () => {
    const sendings = [60_000, 30_000, 1].map((ms) => announce(round, ms, secretKey));
    expect(sendings.map((s) => s.terms)).toEqual([terms, terms, terms]);
    expect(new Set(sendings.map((s) => s.delivery.body)).size).toBe(3);
    expect(sendings.map((s) => JSON.parse(s.delivery.body) as unknown)).toEqual(
      [60_000, 30_000, 1].map((remainingMs) => ({ terms: termsHash(terms), remainingMs })),
    );
    expect(signTerms(study, planned, { cohort, roundKey }, secretKey)).toEqual(terms);
  });

  it('is refused with one character of its terms changed, wherever that is', async () => {
    const { delivery } = announce(round, 1000, secretKey);
    for (let at = 0; at < terms.body.length; at += 7)
      await expect(open({ terms: altered(terms, at), delivery })).rejects.toEqual(
        refused('LENTIGO_CHALLENGE_FAILED'),
      );
  });

  it('is refused with a changed delivery, or one for other terms', async () => {
    const { delivery } = announce(round, 1000, secretKey);
    const longer = { ...delivery, body: delivery.body.replace('1000', '9000') };
    expect(longer.body).not.toBe(delivery.body);
    const ofOthers = withTerms({ round: 2 }).delivery;
    for (const wrong of [longer, ofOthers])
      await expect(open({ terms, delivery: wrong })).rejects.toEqual(
        refused('LENTIGO_CHALLENGE_FAILED'),
      );
  });

  it('is refused when another key signed it, or when terms and delivery are exchanged', async () => {
    const other = createIdentity().secretKey;
    const right = announce(round, 1000, secretKey);
    const forged = signTerms(study, planned, { cohort, roundKey }, other);
    for (const wrong of [
      announce({ ...round, terms: forged }, 1000, secretKey),
      { terms, delivery: announce(round, 1000, other).delivery },
      { terms: right.delivery, delivery: right.terms },
    ])
      await expect(open(wrong)).rejects.toEqual(refused('LENTIGO_CHALLENGE_FAILED'));
  });

  it('of another study or protocol is refused', async () => {
    const id = '0198c0de-0000-7000-8000-000000000001';
    for (const change of [{ study: id }, { protocol: PROTOCOL + 1 }])
      await expect(open(withTerms(change))).rejects.toEqual(refused('LENTIGO_UPDATE_OTHER_ROUND'));
  });

  it('may say more in fields that begin with x-, and in no other', async () => {
    const extended = await open(withTerms({ 'x-note': 'from a later release' }));
    expect(extended.terms).toEqual(JSON.parse(terms.body));
    await expect(open(withTerms({ note: 'it might matter' }))).rejects.toEqual(
      refused('LENTIGO_MESSAGE_INVALID'),
    );
    const delivery = (change: object) =>
      signMessage(TAGS.delivery, { terms: termsHash(terms), remainingMs: 5, ...change }, secretKey);
    expect(await open({ terms, delivery: delivery({ 'x-note': [1] }) })).toMatchObject({
      remainingMs: 5,
    });
    await expect(open({ terms, delivery: delivery({ note: [1] }) })).rejects.toEqual(
      refused('LENTIGO_MESSAGE_INVALID'),
    );
  });
});

describe('what the cohort hears of a round', () => {
  const { number, attempt, from, phase: _, ...opened } = round;
  const at = { number, attempt, from };
  const over = (outcome: string) => ({ round: number, attempt, outcome });
  const cases: [string, RoundState, unknown][] = [
    ['that is planned', planned, null],
    ['that is open', round, null],
    ['that is aggregated', { ...round, phase: 'aggregating' }, null],
    ['that is evaluated', { ...at, phase: 'evaluating', opened, result: from }, null],
    [
      'that closed',
      { ...at, phase: 'closed', opened, result: from, closedAt: 1 },
      over('aggregated'),
    ],
    ['that failed', { ...at, phase: 'failed', opened, reason: 'x', closedAt: 1 }, over('failed')],
    [
      'that nobody was in',
      { ...at, phase: 'closed', opened: null, result: from, closedAt: 1 },
      null,
    ],
    [
      'that failed before it opened',
      { ...at, phase: 'failed', opened: null, reason: 'x', closedAt: 1 },
      null,
    ],
  ];
  it.each(cases)('%s', (_name, state, expected) => expect(roundOverOf(state)).toEqual(expected));

  it('the notice of a study counts the rounds that are closed', () => {
    const { id, config } = study.state;
    expect(noticeOf({ ...study.state, completed: 4 })).toEqual({
      study: id,
      name: config.name,
      status: 'running',
      round: 4,
      rounds: config.rounds,
    });
  });
});
