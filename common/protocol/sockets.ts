// Sends and receives the events of socket-events.ts on a socket.io socket of either side: each
// message is parsed by its schema here, and nowhere else.
import { z } from 'zod';
import { asLentigoError, LentigoError } from '../errors.js';
import { ErrorBody } from './error-body.js';
import { parseMessage } from './parse.js';
import type { MessageHandlers, Messages, RequestHandlers, Requests } from './socket-events.js';

type Listener = (message: unknown, acknowledge: unknown) => void;

/** What is needed of a socket to receive. */
interface Receiver {
  on(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
}

/** How every request is acknowledged. */
const Acknowledgement = z.discriminatedUnion('ok', [
  z.strictObject({ ok: z.literal(true), value: z.unknown() }),
  z.strictObject({ ok: z.literal(false), error: ErrorBody }),
]);
export type Acknowledgement<T = unknown> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: z.infer<typeof ErrorBody> };

/**
 * Calls a handler for each message that comes.
 * @param trusted asked at each message: one that comes while it is false is passed over unread
 * @param onInvalid called for a message that is not valid, which is then left alone
 * @returns stops listening
 */
export function onMessages<T extends Messages>(
  socket: Receiver,
  messages: T,
  handlers: MessageHandlers<T>,
  {
    trusted = () => true,
    onInvalid = () => undefined,
  }: {
    readonly trusted?: () => boolean;
    readonly onInvalid?: (error: LentigoError) => void;
  } = {},
): () => void {
  const listeners = Object.entries(messages).map(([event, schema]): [string, Listener] => [
    event,
    (raw) => {
      if (!trusted()) return;
      let message: unknown;
      try {
        message = parseMessage(schema, raw, event);
      } catch (thrown) {
        onInvalid(asLentigoError(thrown));
        return;
      }
      (handlers[event] as (message: unknown) => void)(message);
    },
  ]);
  for (const [event, listener] of listeners) socket.on(event, listener);
  return () => {
    for (const [event, listener] of listeners) socket.off(event, listener);
  };
}

/**
 * Acknowledges each request with what its handler returns, or with an error.
 * @param onError what is answered when something was thrown, from the request's parsing on
 * @param around runs the work of a request: before it, after it, or in its turn
 */
export function onRequests<T extends Requests>(
  socket: Receiver,
  requests: T,
  handlers: RequestHandlers<T>,
  {
    onError,
    around = (work) => work(),
  }: {
    readonly onError: (thrown: unknown, event: string) => LentigoError;
    readonly around?: (work: () => Promise<void>) => Promise<void>;
  },
): void {
  for (const [event, { in: schema }] of Object.entries(requests)) {
    const handle = handlers[event] as (message: unknown) => Promise<unknown>;
    socket.on(event, (raw, acknowledge) => {
      if (typeof acknowledge !== 'function') return; // nobody waits for the answer
      const reply = (answer: Acknowledgement): void => void acknowledge(answer);
      around(async () =>
        reply({ ok: true, value: await handle(parseMessage(schema, raw, event)) }),
      ).catch((thrown: unknown) => reply({ ok: false, error: onError(thrown, event).body() }));
    });
  }
}

/**
 * What a request was acknowledged with.
 * @throws the other side's error; LENTIGO_MESSAGE_INVALID, LENTIGO_PROTOCOL_VERSION
 */
export function readAcknowledgement<T extends z.ZodType>(
  schema: T,
  raw: unknown,
  event: string,
): z.infer<T> {
  const what = `The answer to ${event}`;
  const answer = parseMessage(Acknowledgement, raw, what);
  if (!answer.ok) throw new LentigoError(answer.error.code, answer.error.message);
  return parseMessage(schema, answer.value, what);
}
