// Sends and receives the events in socket-events.ts over a socket.io socket on either side. Each
// message is parsed by its schema here, and nowhere else.
import { z } from 'zod';
import { asLentigoError, LentigoError } from '../errors.js';
import { ErrorBody } from './error-body.js';
import { parseMessage } from './parse.js';
import type { MessageHandlers, Messages, RequestHandlers, Requests } from './socket-events.js';

type Listener = (message: unknown, acknowledge: unknown) => void;

/** The part of a socket that receiving needs. */
interface Receiver {
  on(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
}

/** The acknowledgement of every request. */
const Acknowledgement = z.discriminatedUnion('ok', [
  z.strictObject({ ok: z.literal(true), value: z.unknown() }),
  z.strictObject({ ok: z.literal(false), error: ErrorBody }),
]);
export type Acknowledgement<T = unknown> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: z.infer<typeof ErrorBody> };

/**
 * Calls a handler for each incoming message.
 * @param trusted asked at each message; while it returns false, messages are ignored unread
 * @param onInvalid called for an invalid message, which is then ignored
 * @returns a function that stops listening
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
 * Acknowledges each request with its handler's result, or with an error.
 * @param onError makes the answer for anything thrown, including by parsing the request
 * @param around wraps the work of a request, for example to queue it
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
 * The content of an acknowledgement.
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
