// Serves the routes of the table: parses params, query and body by their schemas, and sends the
// result of the route's handler.
import express, { type Express, type Request, type Response } from 'express';
import type { z } from 'zod';
import { LentigoError } from '../../common/errors.js';
import { parseMessage } from '../../common/protocol/parse.js';
import { MAX_BLOB_BYTES } from '../../common/protocol/primitives.js';
import {
  type BodyOf,
  type ParamName,
  paramNames,
  PARAMS,
  type ParamsOf,
  type QueryOf,
  type Route,
  type RouteName,
  routes,
} from '../../common/protocol/routes.js';

/** A request parsed by the route's schemas. */
export interface ReadRequest<R extends Route> {
  readonly params: ParamsOf<R>;
  readonly query: QueryOf<R>;
  readonly body: BodyOf<R>;
}

/** A readonly T, as sent: nothing changes it any more. */
type Sent<T> = T extends readonly (infer Item)[]
  ? readonly Sent<Item>[]
  : T extends object
    ? { readonly [Field in keyof T]: Sent<T[Field]> }
    : T;

/** Returns the value of a JSON answer; any other kind of answer it sends by itself. */
type Handler<R extends Route> = R extends { readonly response: infer V extends z.ZodType }
  ? (request: ReadRequest<R>) => Sent<z.infer<V>> | Promise<Sent<z.infer<V>>>
  : (request: ReadRequest<R>, response: Response) => void | Promise<void>;

/** One handler for each of these routes. */
export type Handlers<Names extends RouteName = RouteName> = {
  readonly [N in Names]: Handler<(typeof routes)[N]>;
};

/** Serves all routes of the table with this access. JSON bodies have been parsed before. */
export function serveRoutes(app: Express, access: Route['access'], handlers: Handlers): void {
  for (const name of Object.keys(routes) as RouteName[]) {
    const route: Route = routes[name];
    if (route.access === access) serve(app, route, handlers[name] as AnyHandler);
  }
}

type AnyHandler = (request: object, response: Response) => unknown;

function serve(app: Express, route: Route, handle: AnyHandler): void {
  const method = route.method.toLowerCase() as 'get' | 'post' | 'put';
  const reader =
    route.body === 'bytes' ? [express.raw({ type: '*/*', limit: MAX_BLOB_BYTES })] : [];
  app[method](route.path, ...reader, async (request: Request, response: Response) => {
    const read = {
      params: readParams(route, request),
      query: route.query && parseMessage(route.query, request.query, nameOf(request)),
      body: readBody(route, request),
    };
    const value = await handle(read, response);
    if (typeof route.response !== 'string') response.status(route.status ?? 200).json(value);
  });
}

const nameOf = ({ method, path }: Request): string => `${method} ${path}`;

/**
 * Parses the path's parameters.
 * @throws the parameter's own code if the text is not a valid value
 */
function readParams(route: Route, request: Request): Record<string, unknown> {
  return Object.fromEntries(
    paramNames(route).map((name) => [name, readParam(name, String(request.params[name]))]),
  );
}

function readParam(name: ParamName, text: string): unknown {
  const { schema, noun, code } = PARAMS[name];
  const parsed = schema.safeParse(text);
  if (!parsed.success)
    throw new LentigoError(code, `There is no ${noun} ${JSON.stringify(text.slice(0, 64))}.`);
  return parsed.data;
}

/**
 * Parses the body.
 * @throws LENTIGO_MESSAGE_INVALID naming the fields; LENTIGO_PROTOCOL_VERSION
 */
function readBody({ body }: Route, request: Request): unknown {
  const given: unknown = request.body;
  if (body === undefined) return undefined;
  if (body !== 'bytes') return parseMessage(body, given, nameOf(request));
  if (given instanceof Uint8Array) return given;
  throw new LentigoError('LENTIGO_MESSAGE_INVALID', `${nameOf(request)} takes a file as its body.`);
}
