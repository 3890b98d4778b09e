// Speaks to a running coordinator's console API: for the CLI and for scripts.
import { z } from 'zod';
import { ERRORS, type ErrorCode, LentigoError } from '../common/errors.js';
import {
  type CreateStudy,
  type StudyAction,
  StudyList,
  StudyView,
} from '../common/protocol/console.js';
import { ByteCount, Sha256 } from '../common/protocol/primitives.js';

const Failure = z.object({
  error: z.object({
    code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
    message: z.string(),
  }),
});
const BlobRef = z.object({ sha256: Sha256, bytes: ByteCount });
const Created = z.object({ id: z.uuid() });
const Invited = z.object({ invitation: z.string(), clinic: z.string(), expires: z.string() });
const Decided = z.object({ id: z.string(), name: z.string(), state: z.string() });
const Acted = z.object({ id: z.uuid(), status: z.string() });
const Audit = z.object({
  chain: z.union([
    z.object({ ok: z.literal(true), entries: z.int() }),
    z.object({ ok: z.literal(false), brokenAt: z.int() }),
  ]),
  entries: z.array(
    z.object({
      seq: z.int(),
      at: z.number(),
      actor: z.string(),
      action: z.string(),
      detail: z.unknown(),
      hash: Sha256,
    }),
  ),
});

export class ConsoleClient {
  readonly #url: string;
  readonly #token: string;

  /**
   * @param url the coordinator's address, such as http://127.0.0.1:8460; token: what it wrote to
   *   admin-token.
   */
  constructor(url: string, token: string) {
    this.#url = url.replace(/\/+$/, '');
    this.#token = token;
  }
  uploadModel(bytes: Uint8Array<ArrayBuffer>) {
    return this.#json(BlobRef, 'PUT', '/models', bytes);
  }
  createStudy(study: CreateStudy) {
    return this.#json(Created, 'POST', '/studies', study);
  }
  studies() {
    return this.#json(StudyList, 'GET', '/studies');
  }
  study(id: string): Promise<StudyView> {
    return this.#json(StudyView, 'GET', `/studies/${encodeURIComponent(id)}`);
  }
  act(id: string, action: StudyAction) {
    return this.#json(Acted, 'POST', `/studies/${encodeURIComponent(id)}/${action}`, {});
  }
  invite(id: string, clinic: string, hours: number) {
    return this.#json(Invited, 'POST', `/studies/${encodeURIComponent(id)}/invitations`, {
      clinic,
      hours,
    });
  }
  decide(id: string, clinic: string, decision: 'approve' | 'revoke') {
    return this.#json(
      Decided,
      'POST',
      `/studies/${encodeURIComponent(id)}/clinics/${encodeURIComponent(clinic)}/${decision}`,
      {},
    );
  }
  audit(id: string) {
    return this.#json(Audit, 'GET', `/studies/${encodeURIComponent(id)}/audit`);
  }
  /** The whole model, safetensors. */
  async model(id: string, which: 'best' | 'last'): Promise<Uint8Array> {
    const response = await this.#request(
      'GET',
      `/studies/${encodeURIComponent(id)}/models/${which}`,
    );
    return new Uint8Array(await response.arrayBuffer());
  }

  async #json<T extends z.ZodType>(
    schema: T,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<z.infer<T>> {
    const parsed = schema.safeParse(await (await this.#request(method, path, body)).json());
    if (!parsed.success)
      throw new LentigoError(
        'LENTIGO_MESSAGE_INVALID',
        `The coordinator's answer to ${method} ${path} is not understood: ${z.prettifyError(parsed.error)}`,
      );
    return parsed.data;
  }

  /**
   * @throws the coordinator's own error; LENTIGO_UNREACHABLE, LENTIGO_TLS when there is no answer.
   */
  async #request(method: string, path: string, body?: unknown): Promise<Response> {
    const binary = body instanceof Uint8Array;
    let response: Response;
    try {
      response = await fetch(`${this.#url}/api${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${this.#token}`,
          ...(body === undefined
            ? {}
            : { 'Content-Type': binary ? 'application/octet-stream' : 'application/json' }),
        },
        ...(body === undefined
          ? {}
          : { body: binary ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body) }),
      });
    } catch (thrown) {
      const cause =
        thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new LentigoError(
        /certificate|self-signed/i.test(why) ? 'LENTIGO_TLS' : 'LENTIGO_UNREACHABLE',
        `The coordinator at ${this.#url} does not answer: ${why}`,
        { cause: thrown },
      );
    }
    if (response.ok) return response;
    const failure = Failure.safeParse(await response.json().catch(() => null));
    if (failure.success)
      throw new LentigoError(failure.data.error.code, failure.data.error.message);
    throw new LentigoError(
      'LENTIGO_UNREACHABLE',
      `${this.#url} answered ${method} ${path} with ${response.status}: is this a Lentigo coordinator?`,
    );
  }
}
