// A client of the coordinator that served this page: HTTP with the admin token, each answer checked
// by its schema.
import type { CreateStudy, StudyAction } from '../../common/protocol/console.js';
import { errorInBody } from '../../common/protocol/error-body.js';
import {
  type JsonRoute,
  type RequestOf,
  requestOf,
  type ResponseOf,
  type Route,
  routes,
} from '../../common/protocol/routes.js';
import { session } from './session.js';
import { strings } from './strings/index.js';

/** What went wrong and what to do about it, for people. */
export class ApiError extends Error {
  readonly code: string;
  readonly remedy: string;
  constructor(code: string, message: string, remedy: string) {
    super(message);
    this.code = code;
    this.remedy = remedy;
  }
}

/**
 * A path of the coordinator, beginning with a slash, as an address relative to the page, so that a
 * proxy's prefix is kept.
 */
export const addressOf = (path: string): string =>
  new URL(`..${path}`, document.baseURI.split('#')[0]).href;

const unreachable = () =>
  new ApiError('LENTIGO_UNREACHABLE', strings.errors.unreachable, strings.errors.unreachableRemedy);

/**
 * The coordinator's answer isn't understood here: this page is older or newer than the coordinator.
 */
export const otherRelease = () =>
  new ApiError(
    'LENTIGO_MESSAGE_INVALID',
    strings.errors.otherRelease,
    strings.errors.otherReleaseRemedy,
  );

export const noStudy = () =>
  new ApiError('LENTIGO_STUDY_UNKNOWN', strings.errors.noStudy, strings.errors.noStudyRemedy);

function failureOf(status: number, text: string): ApiError {
  const error = errorInBody(text);
  return error
    ? new ApiError(error.code, error.message, error.remedy)
    : new ApiError(
        'LENTIGO_UNREACHABLE',
        strings.errors.status(status),
        strings.errors.unreachableRemedy,
      );
}

async function send<R extends Route>(
  route: R,
  input: RequestOf<R>,
  token = session.token(),
): Promise<Response> {
  const { path, init } = requestOf(route, input, token);
  const response = await fetch(addressOf(path), init).catch(() => {
    throw unreachable();
  });
  if (!response.ok) throw failureOf(response.status, await response.text());
  return response;
}

async function call<R extends JsonRoute>(
  route: R,
  input: RequestOf<R>,
  token?: string,
): Promise<ResponseOf<R>> {
  return parsed(route, await (await send(route, input, token)).json());
}

function parsed<R extends JsonRoute>(route: R, value: unknown): ResponseOf<R> {
  const answer = route.response.safeParse(value);
  if (!answer.success) throw otherRelease();
  return answer.data as ResponseOf<R>;
}

export const api = {
  /** Resolves if this is the admin token. */
  signIn: (token: string) => call(routes.studies, {}, token),
  models: () => call(routes.models, {}),
  inspect: (data: string, seed: number) => call(routes.inspectDataset, { body: { data, seed } }),
  create: (study: CreateStudy) => call(routes.createStudy, { body: study }),
  act: (id: string, action: StudyAction) => call(routes.act, { params: { id, action } }),
  invite: (id: string, clinic: string, hours: number) =>
    call(routes.invite, { params: { id }, body: { clinic, hours } }),
  decide: (id: string, clinic: string, decision: 'approve' | 'revoke') =>
    call(routes[decision], { params: { id, clinic } }),
  round: (id: string, number: number) => call(routes.round, { params: { id, number } }),
  auditPage: (id: string, before?: number) =>
    call(routes.auditPage, { params: { id }, query: { before } }),
  auditChain: (id: string) => call(routes.auditChain, { params: { id } }),
  model: async (id: string, which: 'best' | 'last', format: 'safetensors' | 'zip') =>
    (await send(routes.model, { params: { id, which }, query: { format } })).blob(),
};

/**
 * Uploads with XMLHttpRequest, because fetch doesn't report how much of a body has been sent.
 * @param onProgress share sent, 0–1
 */
export function uploadModel(
  file: Blob,
  onProgress: (fraction: number) => void,
): Promise<ResponseOf<typeof routes.uploadModel>> {
  const route = routes.uploadModel;
  const { path, init } = requestOf(route, { body: file }, session.token());
  return new Promise((resolve, reject) => {
    const upload = new XMLHttpRequest();
    upload.open(route.method, addressOf(path));
    for (const [name, value] of new Headers(init.headers)) upload.setRequestHeader(name, value);
    upload.upload.addEventListener('progress', ({ loaded, total }) => onProgress(loaded / total));
    upload.addEventListener('error', () => reject(unreachable()));
    upload.addEventListener('load', () => {
      const answer = route.response.safeParse(parseJson(upload.responseText));
      if (answer.success) resolve(answer.data);
      else reject(failureOf(upload.status, upload.responseText));
    });
    upload.send(file);
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
