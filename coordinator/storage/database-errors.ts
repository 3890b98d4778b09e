// What the database's failures are called: unreachable, full, or a bug.
import { LentigoError } from '../../common/errors.js';
import { Prisma } from './generated/client.js';

/**
 * Prisma: unreachable, timed out, denied, connection closed or refused, no connection or
 * transaction to be had in time.
 */
const UNREACHABLE = new Set([
  'P1000',
  'P1001',
  'P1002',
  'P1003',
  'P1008',
  'P1010',
  'P1011',
  'P1017',
  'P2024',
  'P2028',
  'P2037',
]);
/**
 * SQLSTATE: connection exceptions, shutting down, access denied, no such database, too many
 * connections. And the codes of sockets: ECONNREFUSED, ENOTFOUND, …
 */
const CONNECTION = /^(08|57P|28|3D000|53300)|^E[A-Z_]+$/;

/** The code and message of an error, and of every one that it names as its cause. */
function* causes(thrown: unknown): Generator<{ code: string; message: string }> {
  for (let inner = thrown; inner instanceof Error; inner = inner.cause) {
    const { code } = inner as NodeJS.ErrnoException;
    // Prisma's messages start with the place in the source; the reason comes last
    yield { code: code ?? '', message: inner.message.trim().split('\n').at(-1)! };
    if (inner instanceof AggregateError) for (const one of inner.errors) yield* causes(one);
  }
}

/**
 * Any failure of a query as a LentigoError: LENTIGO_DISK_FULL, LENTIGO_DATABASE, or
 * LENTIGO_INTERNAL.
 */
export function databaseError(thrown: unknown): LentigoError {
  if (thrown instanceof LentigoError) return thrown;
  const all = [...causes(thrown)];
  const reason = all.find(({ message }) => message !== '')?.message ?? String(thrown);
  if (
    all.some(
      ({ code, message }) =>
        code === '53100' || code === 'ENOSPC' || /no space left on device/i.test(message),
    )
  ) {
    return new LentigoError('LENTIGO_DISK_FULL', `The database has no space left: ${reason}`, {
      cause: thrown,
    });
  }
  const unreachable =
    thrown instanceof Prisma.PrismaClientInitializationError ||
    all.some(({ code }) => UNREACHABLE.has(code) || CONNECTION.test(code));
  if (
    unreachable ||
    all.some(({ message }) => /connection terminated|server closed the connection/i.test(message))
  ) {
    return new LentigoError('LENTIGO_DATABASE', `The database does not answer: ${reason}`, {
      cause: thrown,
    });
  }
  return new LentigoError('LENTIGO_INTERNAL', reason, { cause: thrown });
}

/** Whether a row with the same key was there already. */
export function isUniqueViolation(thrown: unknown): boolean {
  return thrown instanceof Prisma.PrismaClientKnownRequestError && thrown.code === 'P2002';
}
