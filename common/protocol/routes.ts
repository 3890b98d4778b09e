// Every HTTP route of the coordinator, in one table: the server's handlers and all clients are
// derived from it. (The pages' files, /console/ and /clinic/, are served beside it.)
import { z } from 'zod';
import type { ErrorCode } from '../errors.js';
import {
  AuditChain,
  AuditLog,
  AuditPage,
  ChangeStudy,
  ClinicDecided,
  CreateInvitation,
  CreateStudy,
  DatasetCounts,
  Health,
  InspectDataset,
  InvitationMade,
  KnownModels,
  RoundView,
  StudyAction,
  StudyActed,
  StudyCreated,
  StudyList,
  StudyView,
} from './console.js';
import { EnrolAnswer, EnrolRequest, Invited, InvitedRequest } from './enrolment.js';
import { BlobRef, ClinicId, Id, Sha256 } from './primitives.js';

/** Everything below this path needs the admin token. */
export const API_PATH = '/api';

/**
 * Where sealed updates are sent by tus (https://tus.io), which has its own methods and addresses
 * below this path. A clinic gets the path with its ticket.
 */
export const UPLOADS_PATH = '/uploads';

/**
 * The parameters of paths (after a colon). A value that its schema refuses is answered like an
 * unknown one, with this code.
 */
export const PARAMS = {
  id: { schema: Id, noun: 'study', code: 'LENTIGO_STUDY_UNKNOWN' },
  clinic: { schema: ClinicId, noun: 'clinic', code: 'LENTIGO_CLINIC_UNKNOWN' },
  sha256: { schema: Sha256, noun: 'blob', code: 'LENTIGO_BLOB_UNKNOWN' },
  number: {
    schema: z.coerce.number().int().min(0).max(100_000),
    noun: 'round',
    code: 'LENTIGO_ROUND_UNKNOWN',
  },
  action: {
    schema: StudyAction,
    noun: `action (${StudyAction.options.join(', ')})`,
    code: 'LENTIGO_MESSAGE_INVALID',
  },
  which: {
    schema: z.enum(['best', 'last']),
    noun: 'model (best, last)',
    code: 'LENTIGO_STUDY_STATE',
  },
} as const satisfies Record<string, { schema: z.ZodType; noun: string; code: ErrorCode }>;
export type ParamName = keyof typeof PARAMS;

interface RouteShape {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly query?: z.ZodType;
  /** JSON by its schema, or any bytes. */
  readonly body?: z.ZodType | 'bytes';
  /** JSON by its schema, or a stream. */
  readonly response: z.ZodType | 'bytes' | 'text';
  /** 200 if absent. */
  readonly status?: 201;
}
/** `access`: whether the caller must show the admin token. */
export type Route = RouteShape &
  (
    | { readonly access: 'anyone'; readonly path: `/${string}` }
    | { readonly access: 'admin'; readonly path: `${typeof API_PATH}/${string}` }
  );

/** If a request fits two routes, the earlier one is used. */
export const routes = {
  health: { method: 'GET', path: '/healthz', access: 'anyone', response: Health },
  /** For Prometheus. */
  metrics: { method: 'GET', path: '/metrics', access: 'anyone', response: 'text' },
  /** Models and parameters: immutable, with ranges and ETag. */
  blob: { method: 'GET', path: '/blobs/:sha256', access: 'anyone', response: 'bytes' },
  enrol: {
    method: 'POST',
    path: '/api/enrol',
    access: 'anyone',
    body: EnrolRequest,
    response: EnrolAnswer,
  },

  /** Below `enrol`, whose limit it shares. */
  invited: {
    method: 'POST',
    path: '/api/enrol/invited',
    access: 'anyone',
    body: InvitedRequest,
    response: Invited,
  },

  models: { method: 'GET', path: '/api/models', access: 'admin', response: KnownModels },
  /** Uploads a whole model as safetensors: the starting model of later studies. */
  uploadModel: {
    method: 'PUT',
    path: '/api/models',
    access: 'admin',
    body: 'bytes',
    response: BlobRef,
    status: 201,
  },
  inspectDataset: {
    method: 'POST',
    path: '/api/datasets/inspect',
    access: 'admin',
    body: InspectDataset,
    response: DatasetCounts,
  },
  studies: { method: 'GET', path: '/api/studies', access: 'admin', response: StudyList },
  createStudy: {
    method: 'POST',
    path: '/api/studies',
    access: 'admin',
    body: CreateStudy,
    response: StudyCreated,
    status: 201,
  },
  study: { method: 'GET', path: '/api/studies/:id', access: 'admin', response: StudyView },
  invite: {
    method: 'POST',
    path: '/api/studies/:id/invitations',
    access: 'admin',
    body: CreateInvitation,
    response: InvitationMade,
    status: 201,
  },
  approve: {
    method: 'POST',
    path: '/api/studies/:id/clinics/:clinic/approve',
    access: 'admin',
    response: ClinicDecided,
  },
  revoke: {
    method: 'POST',
    path: '/api/studies/:id/clinics/:clinic/revoke',
    access: 'admin',
    response: ClinicDecided,
  },
  audit: { method: 'GET', path: '/api/studies/:id/audit', access: 'admin', response: AuditLog },
  auditChain: {
    method: 'GET',
    path: '/api/studies/:id/audit/chain',
    access: 'admin',
    response: AuditChain,
  },
  /** Entries before a number, or the last ones; newest first. */
  auditPage: {
    method: 'GET',
    path: '/api/studies/:id/audit/page',
    access: 'admin',
    query: z.object({ before: z.coerce.number().int().min(1).optional() }),
    response: AuditPage,
  },
  round: {
    method: 'GET',
    path: '/api/studies/:id/rounds/:number',
    access: 'admin',
    response: RoundView,
  },
  /**
   * The whole model of the best or of the last round: as safetensors, or zipped as a folder with
   * safetensors and tfjs's model.json with shards.
   */
  model: {
    method: 'GET',
    path: '/api/studies/:id/models/:which',
    access: 'admin',
    query: z.object({ format: z.enum(['safetensors', 'zip']).catch('safetensors') }),
    response: 'bytes',
  },
  change: {
    method: 'POST',
    path: '/api/studies/:id/change',
    access: 'admin',
    body: ChangeStudy,
    response: StudyActed,
  },
  /** After all other POSTs below a study, so that their names aren't taken for actions. */
  act: {
    method: 'POST',
    path: '/api/studies/:id/:action',
    access: 'admin',
    response: StudyActed,
  },
} as const satisfies Record<string, Route>;
export type RouteName = keyof typeof routes;

type NamesIn<Path> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | NamesIn<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;
export type ParamsOf<R extends Route> = {
  readonly [N in NamesIn<R['path']> & ParamName]: z.infer<(typeof PARAMS)[N]['schema']>;
};

/** The parameters in a route's path. */
export const paramNames = ({ path }: Route): ParamName[] =>
  [...path.matchAll(/:(\w+)/g)].map(([, name]) => name as ParamName);

type If<Condition extends boolean, Fields> = Condition extends true ? Fields : unknown;
type Has<R, Field extends string> = R extends Readonly<Record<Field, unknown>> ? true : false;

/** A client's input to a route: those of params, query and body that the route has. */
export type RequestOf<R extends Route> = If<
  [NamesIn<R['path']>] extends [never] ? false : true,
  { readonly params: ParamsOf<R> }
> &
  If<Has<R, 'query'>, { readonly query: QueryOf<R> }> &
  If<
    Has<R, 'body'>,
    {
      readonly body: R extends { readonly body: infer B extends z.ZodType }
        ? z.input<B>
        : Uint8Array<ArrayBuffer> | Blob;
    }
  >;
/** The query as a server reads it. */
export type QueryOf<R extends Route> = R extends { readonly query: infer Q extends z.ZodType }
  ? z.infer<Q>
  : undefined;
export type BodyOf<R extends Route> = R extends { readonly body: infer B }
  ? B extends z.ZodType
    ? z.infer<B>
    : Uint8Array
  : undefined;
/** The value of a JSON answer. */
export type ResponseOf<R extends Route> = R extends { readonly response: infer V extends z.ZodType }
  ? z.infer<V>
  : never;
/** A route that answers with JSON. */
export type JsonRoute = Route & { readonly response: z.ZodType };

/** A route's address on the coordinator, beginning with a slash. */
export function pathOf<R extends Route>(route: R, place: Omit<RequestOf<R>, 'body'>): string {
  const { params = {}, query = {} } = place as {
    params?: Readonly<Record<string, string | number>>;
    query?: Readonly<Record<string, string | number | undefined>>;
  };
  const path = route.path.replace(/:(\w+)/g, (_, name: string) =>
    encodeURIComponent(String(params[name])),
  );
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) search.set(name, String(value));
  return search.size > 0 ? `${path}?${search}` : path;
}

/**
 * A request for fetch: the address on the coordinator, and the options.
 * @param token the admin token, for routes that need it
 */
export function requestOf<R extends Route>(
  route: R,
  input: RequestOf<R>,
  token?: string | null,
): { readonly path: string; readonly init: RequestInit } {
  const { body } = input as { readonly body?: unknown };
  const isFile = route.body === 'bytes';
  return {
    path: pathOf(route, input),
    init: {
      method: route.method,
      headers: {
        ...(route.access === 'admin' && { Authorization: `Bearer ${token ?? ''}` }),
        ...(body !== undefined && {
          'Content-Type': isFile ? 'application/octet-stream' : 'application/json',
        }),
      },
      ...(body !== undefined && {
        body: isFile ? (body as Uint8Array<ArrayBuffer> | Blob) : JSON.stringify(body),
      }),
    },
  };
}
