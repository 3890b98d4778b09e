// Speaks to the coordinator that served this page: HTTP with the admin token, each answer checked
// by its schema.
import { z } from 'zod';
import {
  KnownModels,
  AuditChain,
  AuditPage,
  type CreateStudy,
  DatasetCounts,
  RoundView,
  type StudyAction,
  StudyList,
} from '../../common/protocol/console.js';
import { ByteCount, Sha256 } from '../../common/protocol/primitives.js';
import { session } from './session.js';
import { strings } from './strings.js';

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

const Failure = z.object({
  error: z.object({ code: z.string(), message: z.string(), remedy: z.string() }),
});

/** Relative to the page, so that the prefix of a proxy stays. */
export const addressOf = (path: string): string =>
  new URL(`../${path}`, document.baseURI.split('#')[0]).href;

const unreachable = () =>
  new ApiError('LENTIGO_UNREACHABLE', strings.errors.unreachable, strings.errors.unreachableRemedy);

function failureOf(status: number, text: string): ApiError {
  const failure = Failure.safeParse(parseJson(text));
  if (failure.success)
    return new ApiError(
      failure.data.error.code,
      failure.data.error.message,
      failure.data.error.remedy,
    );
  return new ApiError(
    'LENTIGO_UNREACHABLE',
    strings.errors.status(status),
    strings.errors.unreachableRemedy,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function request(
  method: string,
  path: string,
  body?: unknown,
  token = session.token(),
): Promise<Response> {
  const response = await fetch(addressOf(`api/${path}`), {
    method,
    headers: {
      Authorization: `Bearer ${token ?? ''}`,
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch(() => {
    throw unreachable();
  });
  if (!response.ok) throw failureOf(response.status, await response.text());
  return response;
}

async function json<T extends z.ZodType>(
  schema: T,
  method: string,
  path: string,
  body?: unknown,
  token?: string,
): Promise<z.infer<T>> {
  const parsed = schema.safeParse(await (await request(method, path, body, token)).json());
  if (!parsed.success)
    throw new ApiError(
      'LENTIGO_MESSAGE_INVALID',
      strings.errors.otherRelease,
      strings.errors.otherReleaseRemedy,
    );
  return parsed.data;
}

const BlobRef = z.object({ sha256: Sha256, bytes: ByteCount });
const Anything = z.unknown();

export const api = {
  /** Resolves when this is the admin token. */
  signIn: (token: string) => json(StudyList, 'GET', 'studies', undefined, token),
  models: () => json(KnownModels, 'GET', 'models'),
  inspect: (data: string, seed: number) =>
    json(DatasetCounts, 'POST', 'datasets/inspect', { data, seed }),
  create: (study: CreateStudy) => json(z.object({ id: z.uuid() }), 'POST', 'studies', study),
  act: (id: string, action: StudyAction) => json(Anything, 'POST', `studies/${id}/${action}`, {}),
  invite: (id: string, clinic: string, hours: number) =>
    json(
      z.object({ invitation: z.string(), expires: z.string() }),
      'POST',
      `studies/${id}/invitations`,
      { clinic, hours },
    ),
  decide: (id: string, clinic: string, decision: 'approve' | 'revoke') =>
    json(Anything, 'POST', `studies/${id}/clinics/${clinic}/${decision}`, {}),
  round: (id: string, number: number) => json(RoundView, 'GET', `studies/${id}/rounds/${number}`),
  auditPage: (id: string, before?: number) =>
    json(
      AuditPage,
      'GET',
      `studies/${id}/audit/page${before === undefined ? '' : `?before=${before}`}`,
    ),
  auditChain: (id: string) => json(AuditChain, 'GET', `studies/${id}/audit/chain`),
  model: async (id: string, which: 'best' | 'last', format: 'safetensors' | 'zip') =>
    (
      await request('GET', `studies/${id}/models/${which}${format === 'zip' ? '?format=zip' : ''}`)
    ).blob(),
};

/**
 * fetch can't tell how much of a body has been sent; XMLHttpRequest can. @param onProgress share
 * sent, 0–1
 */
export function uploadModel(
  file: Blob,
  onProgress: (fraction: number) => void,
): Promise<z.infer<typeof BlobRef>> {
  return new Promise((resolve, reject) => {
    const upload = new XMLHttpRequest();
    upload.open('PUT', addressOf('api/models'));
    upload.setRequestHeader('Authorization', `Bearer ${session.token() ?? ''}`);
    upload.setRequestHeader('Content-Type', 'application/octet-stream');
    upload.upload.addEventListener('progress', ({ loaded, total }) => onProgress(loaded / total));
    upload.addEventListener('error', () => reject(unreachable()));
    upload.addEventListener('load', () => {
      const parsed = BlobRef.safeParse(parseJson(upload.responseText));
      if (parsed.success) resolve(parsed.data);
      else reject(failureOf(upload.status, upload.responseText));
    });
    upload.send(file);
  });
}
