// What comes over the network is taken only as its schema has it: no field more, no value out of
// bounds, whatever is sent.
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { LentigoError } from '../../../common/errors.js';
import '../../../common/model/architecture.js';
import {
  EnrolRequest,
  InvitedRequest,
  formatInvitation,
  type Invitation,
  parseInvitation,
} from '../../../common/protocol/enrolment.js';
import { Challenge, Hello, Proof } from '../../../common/protocol/handshake.js';
import { PROTOCOL } from '../../../common/protocol/primitives.js';
import {
  Announcement,
  Decline,
  Delivery,
  Dismissed,
  Progress,
  Receipt,
  RoundOver,
  Signed,
  StudyNotice,
  Submission,
  Ticket,
  TicketRequest,
} from '../../../common/protocol/round.js';
import { metricsOf } from '../../../common/evaluation/metrics.js';
import { ModelsRequest, StudyModels } from '../../../common/protocol/study-models.js';
import { RoundTerms } from '../../../common/protocol/terms.js';
import { UpdateHeader } from '../../../common/protocol/update.js';

const key = Buffer.alloc(32, 7).toString('base64');
const signature = Buffer.alloc(64, 7).toString('base64');
const id = '0190163d-8694-739b-aea5-966c26f8ad91';
const sha256 = 'ab'.repeat(32);
const clinic = 'cd'.repeat(16);
const blob = { sha256, bytes: 10 };

const signed = { body: '{}', signature };

/** One valid message of each kind. */
const MESSAGES: readonly [string, z.ZodType, Record<string, unknown>][] = [
  ['hello', Hello, { protocol: PROTOCOL, study: id, key, nonce: key, instance: key }],
  ['challenge', Challenge, { protocol: PROTOCOL, study: id, key, nonce: key, signature }],
  ['proof', Proof, { signature }],
  [
    'enrolment',
    EnrolRequest,
    { protocol: PROTOCOL, study: id, secret: key, key, name: 'Clinic North', signature },
  ],
  ['signed message', Signed, signed],
  [
    'round terms',
    RoundTerms,
    {
      protocol: PROTOCOL,
      study: id,
      round: 1,
      attempt: id,
      roundKey: key,
      architecture: 'nano',
      labels: { names: ['a', 'b'], malignant: ['b'] },
      start: blob,
      base: blob,
      updates: { encoding: 'int8', maxNorm: 1, minSamples: 1, maxSamples: 10 },
      clientPart: { name: 'fedavg' },
      seed: 1,
      cohort: [clinic],
      training: {
        trainFrom: 'features.1',
        epochs: 1,
        batchSize: 8,
        optimiser: 'sgd',
        learningRate: 0.1,
        momentum: 0.9,
        weightDecay: 0,
        focalGamma: 2,
        balance: 'none',
        variants: 1,
      },
    },
  ],
  ['delivery', Delivery, { terms: sha256, remainingMs: 1000 }],
  ['announcement', Announcement, { terms: signed, delivery: signed }],
  ['question about an invitation', InvitedRequest, { study: id, secret: key }],
  ['round-over', RoundOver, { round: 1, attempt: id, outcome: 'failed' }],
  ['study notice', StudyNotice, { study: id, name: 'a', status: 'running', round: 0, rounds: 3 }],
  ['progress', Progress, { round: 1, attempt: id, phase: 'training', fraction: 0.5, loss: 1 }],
  ['decline', Decline, { round: 1, attempt: id, code: 'LENTIGO_DISK_FULL' }],
  ['dismissal', Dismissed, { code: 'LENTIGO_CLINIC_ELSEWHERE' }],
  ['ticket request', TicketRequest, { round: 1, attempt: id, sha256, bytes: 10 }],
  ['ticket', Ticket, { path: '/uploads', token: 'x' }],
  ['models request', ModelsRequest, {}],
  [
    'study models',
    StudyModels,
    {
      study: id,
      status: 'completed',
      start: blob,
      trainFrom: 'features.1',
      select: 'balancedAccuracy',
      best: 1,
      last: 2,
      models: [
        {
          round: 1,
          parameters: blob,
          validation: 0.5,
          heldout: metricsOf(
            {
              labels: [0, 1],
              probabilities: [
                [0.9, 0.1],
                [0.2, 0.8],
              ],
            },
            { names: ['a', 'b'], malignant: ['b'] },
            1,
            0.5,
          ),
        },
      ],
    },
  ],
  ['submission', Submission, { round: 1, attempt: id, sha256 }],
  [
    'receipt',
    Receipt,
    { study: id, round: 1, attempt: id, clinic, sha256, samples: 3, audit: sha256 },
  ],
  [
    'update header',
    UpdateHeader,
    {
      protocol: PROTOCOL,
      study: id,
      round: 1,
      attempt: id,
      clinic,
      base: sha256,
      encoding: 'int8',
      samples: 3,
      payload: blob,
      key: { from: key, nonce: 'A'.repeat(32), box: 'A'.repeat(64) },
    },
  ],
];

/**
 * What a round's terms may say instead: settings by default, and no part of the strategy; and what a
 * study may say of its models: that it has none.
 */
const mayBe = (field: string, value: unknown): boolean =>
  ((field === 'best' || field === 'last') && value === null) ||
  (field === 'models' && JSON.stringify(value) === '[]') ||
  (field === 'training' && JSON.stringify(value) === '{}') ||
  (field === 'clientPart' && value === null);

describe.each(MESSAGES)('a %s', (_, schema, valid) => {
  it('is taken as it is', () => {
    expect(schema.parse(valid)).toEqual(valid);
  });
  it('is refused with a field too many', () => {
    expect(schema.safeParse({ ...valid, extra: 1 }).success).toBe(false);
  });
  it('is refused without any one of its fields', () => {
    for (const field of Object.keys(valid).filter((f) => f !== 'loss')) {
      const { [field]: _gone, ...rest } = valid;
      expect(schema.safeParse(rest).success, `without ${field}`).toBe(false);
    }
  });
  it('is refused when any one of its fields is something else', () => {
    const junk: readonly unknown[] = [null, NaN, Infinity, -0.5, [], {}, 'x'.repeat(2_000_000)];
    for (const field of Object.keys(valid)) {
      for (const value of junk) {
        if (field === 'loss' && value === -0.5) continue; // a loss may be any number
        expect(
          schema.safeParse({ ...valid, [field]: value }).success,
          `${field} = ${String(value).slice(0, 40)}`,
        ).toBe(mayBe(field, value));
      }
    }
  });
});

describe('an invitation', () => {
  const invitation: Invitation = {
    protocol: PROTOCOL,
    url: 'https://coordinator.example:8460',
    study: id,
    key,
    secret: key,
    expires: '2026-12-01T00:00:00.000Z',
    clinic: 'Klinik Süd',
  };
  const codeOf = (text: string) => {
    try {
      parseInvitation(text);
      return 'accepted';
    } catch (thrown) {
      return thrown instanceof LentigoError ? thrown.code : thrown;
    }
  };
  it('survives the way through a mail', () => {
    expect(parseInvitation(`  ${formatInvitation(invitation)}\n`)).toEqual(invitation);
  });
  it('keeps every address and name that a study may have', () => {
    for (const changes of [
      { url: 'http://127.0.0.1:8460' },
      { url: 'https://xn--klinik-sd-v9a.example/lentigo', clinic: '皮膚科クリニック 🏥' },
      { url: `https://${'a'.repeat(480)}.example`, clinic: '皮'.repeat(80) },
    ])
      expect(parseInvitation(formatInvitation({ ...invitation, ...changes }))).toEqual({
        ...invitation,
        ...changes,
      });
  });
  it('is short enough for a QR code of version 10, which a phone reads at arm’s length', () => {
    // 271 bytes at the lowest error correction (ISO/IEC 18004).
    const word = formatInvitation({ ...invitation, clinic: 'Clínica Santa Clara' });
    expect(`${invitation.url}/clinic/#invitation=${word}`.length).toBeLessThanOrEqual(271);
  });
  it('is refused when any one of its characters is another', () => {
    const text = formatInvitation(invitation);
    for (let at = 0; at < text.length; at++)
      for (const other of ['A', 'z', '!', ' ', '='])
        if (text[at] !== other)
          expect(codeOf(text.slice(0, at) + other + text.slice(at + 1)), `${at}${other}`).toBe(
            'LENTIGO_INVITATION_INVALID',
          );
    expect(codeOf(text.replace('lentigo-invite-', 'lentigo-invite-'.padEnd(4000, 'A')))).toBe(
      'LENTIGO_INVITATION_INVALID',
    );
  });
  it('is refused when it is cut short anywhere', () => {
    const text = formatInvitation(invitation);
    for (let length = 0; length < text.length; length++)
      expect(codeOf(text.slice(0, length))).toBe('LENTIGO_INVITATION_INVALID');
  });
  it('of another protocol version says so', () => {
    expect(codeOf(formatInvitation({ ...invitation, protocol: PROTOCOL + 1 }))).toBe(
      'LENTIGO_PROTOCOL_VERSION',
    );
  });
  it('to an address that is no web address is refused', () => {
    expect(codeOf(formatInvitation({ ...invitation, url: 'file:///etc/passwd' }))).toBe(
      'LENTIGO_INVITATION_INVALID',
    );
  });
});
