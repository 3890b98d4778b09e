// Fields that one side doesn't know yet: those that say they may be passed over are, others aren't.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { extensible } from '../../../common/protocol/extensible.js';
import { Delivery, Progress, RoundOver, StudyNotice } from '../../../common/protocol/round.js';

const Message = extensible({ round: z.int(), 'x-known': z.string().optional() });

describe('an extensible message', () => {
  it('is taken without the fields that begin with x- and are not known', () => {
    expect(Message.parse({ round: 3, 'x-note': { any: ['thing'] }, 'x-': 1 })).toEqual({
      round: 3,
    });
  });
  it('keeps a field that begins with x- and is known, and checks it', () => {
    expect(Message.parse({ round: 3, 'x-known': 'a' })).toEqual({ round: 3, 'x-known': 'a' });
    expect(Message.safeParse({ round: 3, 'x-known': 1 }).success).toBe(false);
  });
  it('is refused with any other unknown field: it may matter', () => {
    for (const field of ['note', 'X-note', 'xnote', '-x', ' x-note', '__proto__x-'])
      expect(Message.safeParse({ round: 3, [field]: 1 }).success, field).toBe(false);
  });
  it('is refused when it is no object', () => {
    for (const message of [null, undefined, 'x-note', 3, [], [{ round: 3 }]])
      expect(Message.safeParse(message).success).toBe(false);
  });
  it('leaves what was sent as it is', () => {
    const sent = { round: 3, 'x-note': 1 };
    Message.parse(sent);
    expect(sent).toEqual({ round: 3, 'x-note': 1 });
  });
});

describe('of the messages of a round', () => {
  const id = '0190163d-8694-739b-aea5-966c26f8ad91';
  it.each([
    ['a delivery', Delivery, { terms: 'ab'.repeat(32), remainingMs: 1 }],
    ['round-over', RoundOver, { round: 1, attempt: id, outcome: 'failed' }],
    ['study', StudyNotice, { study: id, name: 'a', status: 'running', round: 0, rounds: 3 }],
  ] as const)('%s may say more to clinics of an earlier release', (_name, schema, message) => {
    expect(schema.parse({ ...message, 'x-note': 1 })).toEqual(message);
    expect(schema.safeParse({ ...message, note: 1 }).success).toBe(false);
  });
  it('what a clinic sends may not: the coordinator takes no field that it does not know', () => {
    const progress = { round: 1, attempt: id, phase: 'training', fraction: 0.5 };
    expect(Progress.parse(progress)).toEqual(progress);
    expect(Progress.safeParse({ ...progress, 'x-note': 1 }).success).toBe(false);
  });
});
