// Every event on the coordinator's sockets, in one table for clinics and one for consoles. Both
// sides are derived from it: a message is added by its schema here and a handler where it arrives.
import type { z } from 'zod';
import { LiveProgress, LiveStudy, StudyList, Watch, Watched } from './console.js';
import { Challenge, Hello, Proof } from './handshake.js';
import {
  Announcement,
  Progress,
  RoundOver,
  Signed,
  StudyNotice,
  Submission,
  Ticket,
  TicketRequest,
} from './round.js';

/** Requests by their event: what is asked, and what the acknowledgement holds. */
export type Requests = Readonly<
  Record<string, { readonly in: z.ZodType; readonly out: z.ZodType }>
>;
/** Messages of one way by their event: nobody acknowledges them. */
export type Messages = Readonly<Record<string, z.ZodType>>;

export const clinicEvents = {
  namespace: '/clinic',
  /** Both sides prove who they are, in this order, before anything else. */
  handshake: {
    hello: { in: Hello, out: Challenge },
    prove: { in: Proof, out: StudyNotice },
  },
  /** What a clinic that has proved its identity asks. */
  requests: {
    /** May I upload these bytes? */
    ticket: { in: TicketRequest, out: Ticket },
    /** The upload is whole, count it: answered by a signed Receipt. */
    submit: { in: Submission, out: Signed },
  },
  fromClinic: {
    progress: Progress,
  },
  fromCoordinator: {
    /** Take part in this round. */
    round: Announcement,
    'round-over': RoundOver,
    study: StudyNotice,
  },
} as const satisfies EventTable;

export const consoleEvents = {
  namespace: '/console',
  requests: {
    watch: { in: Watch, out: Watched },
  },
  fromCoordinator: {
    /** What is new of the study that is watched. */
    study: LiveStudy,
    /** The list of all studies, to those who watch it. */
    studies: StudyList,
    progress: LiveProgress,
  },
} as const satisfies EventTable;

interface EventTable {
  readonly namespace: `/${string}`;
  readonly handshake?: Requests;
  readonly requests: Requests;
  readonly fromClinic?: Messages;
  readonly fromCoordinator: Messages;
}

export type ClinicRequests = (typeof clinicEvents)['handshake'] & (typeof clinicEvents)['requests'];
/** What the coordinator says to clinics unasked. */
export type ToClinic = (typeof clinicEvents)['fromCoordinator'];
export type ToConsole = (typeof consoleEvents)['fromCoordinator'];

/** One function for each message: those who send call it, those who receive are called. */
export type MessageHandlers<T extends Messages> = {
  readonly [E in keyof T]: (message: z.infer<T[E]>) => void;
};
/** One function for each request. */
export type RequestHandlers<T extends Requests> = {
  readonly [E in keyof T]: (asked: z.infer<T[E]['in']>) => Promise<z.infer<T[E]['out']>>;
};
