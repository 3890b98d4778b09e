// A client of a running coordinator's console API, for the CLI and for scripts.
import { networkError, strangeAnswer } from '../common/network/failure.js';
import type {
  ChangeStudy,
  CreateStudy,
  StudyAction,
  StudyView,
} from '../common/protocol/console.js';
import { errorInBody } from '../common/protocol/error-body.js';
import { parseMessage } from '../common/protocol/parse.js';
import {
  type JsonRoute,
  type RequestOf,
  requestOf,
  type ResponseOf,
  type Route,
  routes,
} from '../common/protocol/routes.js';

export class ConsoleClient {
  readonly #url: string;
  readonly #token: string;

  /**
   * @param url the coordinator's address, such as http://127.0.0.1:8460
   * @param token the content of the coordinator's file admin-token
   */
  constructor(url: string, token: string) {
    this.#url = url.replace(/\/+$/, '');
    this.#token = token;
  }
  uploadModel(body: Uint8Array<ArrayBuffer>) {
    return this.#call(routes.uploadModel, { body });
  }
  /** What the coordinator finds at a path or query of data. */
  inspect(data: string, seed: number) {
    return this.#call(routes.inspectDataset, { body: { data, seed } });
  }
  createStudy(body: CreateStudy) {
    return this.#call(routes.createStudy, { body });
  }
  studies() {
    return this.#call(routes.studies, {});
  }
  study(id: string): Promise<StudyView> {
    return this.#call(routes.study, { params: { id } });
  }
  act(id: string, action: StudyAction) {
    return this.#call(routes.act, { params: { id, action } });
  }
  change(id: string, body: ChangeStudy) {
    return this.#call(routes.change, { params: { id }, body });
  }
  invite(id: string, clinic: string, hours: number) {
    return this.#call(routes.invite, { params: { id }, body: { clinic, hours } });
  }
  decide(id: string, clinic: string, decision: 'approve' | 'revoke') {
    return this.#call(routes[decision], { params: { id, clinic } });
  }
  audit(id: string) {
    return this.#call(routes.audit, { params: { id } });
  }
  /** The whole model, as safetensors. */
  async model(id: string, which: 'best' | 'last'): Promise<Uint8Array> {
    const response = await this.#send(routes.model, {
      params: { id, which },
      query: { format: 'safetensors' },
    });
    return new Uint8Array(await response.arrayBuffer());
  }

  /**
   * Calls a route with a JSON answer.
   * @throws the errors of #send; LENTIGO_MESSAGE_INVALID when the answer is not understood
   */
  async #call<R extends JsonRoute>(route: R, input: RequestOf<R>): Promise<ResponseOf<R>> {
    const response = await this.#send(route, input);
    const asked = `${route.method} ${route.path}`;
    const text = await response.text();
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch {
      throw strangeAnswer(this.#url, asked, response.status, text);
    }
    return parseMessage(
      route.response,
      answer,
      `The coordinator's answer to ${asked}`,
    ) as ResponseOf<R>;
  }

  /**
   * Sends a request.
   * @throws the coordinator's own error; LENTIGO_UNREACHABLE, LENTIGO_PROXY, LENTIGO_TLS when there is no answer
   */
  async #send<R extends Route>(route: R, input: RequestOf<R>): Promise<Response> {
    const { path, init } = requestOf(route, input, this.#token);
    const response = await fetch(this.#url + path, init).catch((thrown: unknown) => {
      throw networkError(this.#url, thrown);
    });
    if (response.ok) return response;
    const text = await response.text().catch(() => '');
    throw (
      errorInBody(text) ??
      strangeAnswer(this.#url, `${route.method} ${path}`, response.status, text)
    );
  }
}
