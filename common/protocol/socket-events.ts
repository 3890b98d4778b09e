// Every event on the coordinator's sockets, in one table for clinics and one for consoles. Both
// sides are derived from them: to add a message, add its schema here and a handler at the receiver.
import type { z } from 'zod';
import { LiveProgress, LiveStudy, StudyList, Watch, Watched } from './console.js';
import { Challenge, Hello, Proof } from './handshake.js';
import {
  Announcement,
  Decline,
  DeclineTaken,
  Dismissed,
  Progress,
  RoundOver,
  Signed,
  StudyNotice,
  Submission,
  Ticket,
  TicketRequest,
} from './round.js';
import { ModelsRequest } from './study-models.js';

/** Requests by event: the content of the request, and of its acknowledgement. */
export type Requests = Readonly<
  Record<string, { readonly in: z.ZodType; readonly out: z.ZodType }>
>;
/** Messages in one direction by event, without acknowledgement. */
export type Messages = Readonly<Record<string, z.ZodType>>;

export const clinicEvents = {
  namespace: '/clinic',
  /** Both sides prove their identity, in this order, before anything else. */
  handshake: {
    hello: { in: Hello, out: Challenge },
    prove: { in: Proof, out: StudyNotice },
  },
  /** Requests of a clinic that has proved its identity. */
  requests: {
    /** Asks to upload these bytes. */
    ticket: { in: TicketRequest, out: Ticket },
    /** Says that the upload is complete, so that it is counted; answered by a signed Receipt. */
    submit: { in: Submission, out: Signed },
    /** Asks which models the study has made; answered by a signed StudyModels. */
    models: { in: ModelsRequest, out: Signed },
    /** Says that no update of this attempt will come, and why. */
    decline: { in: Decline, out: DeclineTaken },
  },
  fromClinic: {
    progress: Progress,
  },
  fromCoordinator: {
    /** Take part in this round. */
    round: Announcement,
    'round-over': RoundOver,
    study: StudyNotice,
    dismissed: Dismissed,
  },
} as const satisfies EventTable;

export const consoleEvents = {
  namespace: '/console',
  requests: {
    watch: { in: Watch, out: Watched },
  },
  fromCoordinator: {
    /** Changes of the study that is watched. */
    study: LiveStudy,
    /** The list of all studies, for consoles that watch it. */
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
/** Messages that the coordinator sends to clinics unasked. */
export type ToClinic = (typeof clinicEvents)['fromCoordinator'];
export type ToConsole = (typeof consoleEvents)['fromCoordinator'];

/** One function per message: senders call it, receivers implement it. */
export type MessageHandlers<T extends Messages> = {
  readonly [E in keyof T]: (message: z.infer<T[E]>) => void;
};
/** One function per request. */
export type RequestHandlers<T extends Requests> = {
  readonly [E in keyof T]: (asked: z.infer<T[E]['in']>) => Promise<z.infer<T[E]['out']>>;
};
