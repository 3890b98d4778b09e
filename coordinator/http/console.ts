// The console API: everything a study coordinator does, over HTTP with the admin token. The CLI
// uses it; so will the console's page.
import express, { type RequestHandler, Router } from 'express';
import { z } from 'zod';
import { createNonce, hashSecret } from '../../common/crypto/enrolment.js';
import { countSamples } from '../../common/dataset/inspect.js';
import { openDataset } from '../../common/dataset/open.node.js';
import { LentigoError } from '../../common/errors.js';
import { trainableSpecs } from '../../common/model/architecture.js';
import { decodeModel, decodeParameters, encodeModel } from '../../common/model/encoding.js';
import {
  CreateInvitation,
  CreateStudy,
  InspectDataset,
  StudyAction,
} from '../../common/protocol/console.js';
import { formatInvitation } from '../../common/protocol/enrolment.js';
import { ClinicId, Id, MAX_BLOB_BYTES, PROTOCOL } from '../../common/protocol/primitives.js';
import type { Presence } from '../gateway/presence.js';
import type { Studies } from '../rounds/studies.js';
import type { Blobs } from '../storage/blobs.js';
import type { Clock } from '../rounds/records.js';
import type { Store } from '../storage/store.js';
import { tokenCheck } from '../access/admin-token.js';
import { bodyOf } from './errors.js';
import { knownModels } from './known-models.js';
import { zippedModel } from './model-archive.js';

export interface ConsoleParts {
  readonly store: Store;
  readonly blobs: Blobs;
  readonly studies: Studies;
  readonly presence: Presence;
  readonly adminToken: string;
  /** The address that clinics reach; it is only known once the server listens. */
  readonly publicUrl: () => string;
  readonly now: Clock;
}

/** How many audit entries are sent at a time. */
const AUDIT_PAGE = 100;

export function consoleRoutes(parts: ConsoleParts): Router {
  const { store, blobs, studies, presence } = parts;
  const router = Router();
  router.use(requireToken(parts.adminToken));
  // What is no id is the id of nothing; a database takes not every text.
  router.param('id', (_request, _response, next, id: string) => {
    if (!Id.safeParse(id).success)
      throw new LentigoError(
        'LENTIGO_STUDY_UNKNOWN',
        `There is no study ${JSON.stringify(id.slice(0, 64))}.`,
      );
    next();
  });
  router.param('clinic', (_request, _response, next, clinic: string) => {
    if (!ClinicId.safeParse(clinic).success)
      throw new LentigoError(
        'LENTIGO_CLINIC_UNKNOWN',
        `There is no clinic ${JSON.stringify(clinic.slice(0, 64))}.`,
      );
    next();
  });

  router.put(
    '/models',
    express.raw({ type: '*/*', limit: MAX_BLOB_BYTES }),
    async (request, response) => {
      const bytes: unknown = request.body;
      if (!(bytes instanceof Uint8Array))
        throw new LentigoError(
          'LENTIGO_MESSAGE_INVALID',
          'PUT /api/models takes a safetensors file as its body.',
        );
      decodeModel(bytes); // refuses what is no model before it is stored
      response.status(201).json(await blobs.put(bytes));
    },
  );
  router.get('/models', async (_request, response) => {
    response.json(await knownModels(blobs, await store.studies()));
  });
  router.post('/datasets/inspect', async (request, response) => {
    const { data, seed } = bodyOf(InspectDataset, request);
    const { problems, ...counts } = countSamples(await openDataset(data, { seed }));
    response.json({ ...counts, problems: problems.length });
  });
  router.get('/studies', (_request, response) => {
    response.json(studies.list());
  });
  router.post('/studies', async (request, response) => {
    const { state } = await studies.create(bodyOf(CreateStudy, request));
    response.status(201).json({ id: state.id });
  });
  router.get('/studies/:id', async (request, response) => {
    const { id } = request.params;
    const { state } = studies.runner(id);
    const [record, clinics, invitations, rounds, evaluations] = await Promise.all([
      store.study(id),
      store.clinics(id),
      store.invitations(id),
      store.rounds(id),
      store.evaluations(id),
    ]);
    const connected = new Set(presence.connected(id));
    response.json({
      ...state,
      publicKey: record.publicKey,
      architecture: record.architecture,
      labels: record.labels,
      createdAt: record.createdAt,
      auditHead: record.auditHead,
      clinics: clinics.map((c) => ({
        ...c,
        connected: connected.has(c.id),
        progress: presence.progress(id, c.id),
      })),
      invitations,
      rounds,
      evaluations,
    });
  });
  router.post('/studies/:id/invitations', async (request, response) => {
    const { id } = request.params;
    const { clinic, hours } = bodyOf(CreateInvitation, request);
    const { publicKey } = await store.study(id);
    const secret = createNonce();
    const expiresAt = parts.now() + hours * 3_600_000;
    await store.invite(
      id,
      { clinicName: clinic, secretHash: await hashSecret(secret), expiresAt },
      'admin',
    );
    const expires = new Date(expiresAt).toISOString();
    response.status(201).json({
      invitation: formatInvitation({
        protocol: PROTOCOL,
        url: parts.publicUrl(),
        study: id,
        key: publicKey,
        secret,
        expires,
      }),
      clinic,
      expires,
    });
  });
  router.post('/studies/:id/clinics/:clinic/approve', async (request, response) => {
    const { id, clinic } = request.params;
    response.json(await store.setClinicState(id, clinic, 'approved', 'admin'));
  });
  router.post('/studies/:id/clinics/:clinic/revoke', async (request, response) => {
    const { id, clinic } = request.params;
    response.json(await studies.runner(id).revoke(clinic));
  });
  router.get('/studies/:id/audit', async (request, response) => {
    const { id } = request.params;
    response.json({ chain: await store.verifyAudit(id), entries: await store.audit(id) });
  });
  router.get('/studies/:id/audit/chain', async (request, response) => {
    response.json(await store.verifyAudit(request.params.id));
  });
  router.get('/studies/:id/audit/page', async (request, response) => {
    const before = z.coerce.number().int().min(1).optional().safeParse(request.query['before']);
    if (!before.success)
      throw new LentigoError('LENTIGO_MESSAGE_INVALID', 'before is the number of an audit entry.');
    const page = await store.auditPart(request.params.id, {
      ...(before.data !== undefined && { before: before.data }),
      limit: AUDIT_PAGE,
    });
    response.json(page.toReversed());
  });
  router.get('/studies/:id/rounds/:number', async (request, response) => {
    const { id } = request.params;
    const number = z.coerce.number().int().min(0).max(100_000).safeParse(request.params.number);
    const last = number.success ? (await store.round(id, number.data)).at(-1) : undefined;
    if (!number.success || !last)
      throw new LentigoError(
        'LENTIGO_ROUND_UNKNOWN',
        `Study ${id} has had no round ${request.params.number.slice(0, 20)}.`,
      );
    const evaluation = (await store.evaluations(id, number.data, number.data)).at(-1) ?? null;
    response.json({
      evaluation,
      updates: last.updates.map(({ acceptedAt, ...update }) => ({
        ...update,
        seconds: (acceptedAt - (last.openedAt ?? acceptedAt)) / 1000,
      })),
    });
  });
  // The whole model of the best or of the last round: the starting model with that round's
  // trainable parameters. With ?format=zip as a folder: safetensors, and tfjs's model.json with
  // shards.
  router.get('/studies/:id/models/:which', async (request, response) => {
    const { id, which } = request.params;
    const { state } = studies.runner(id);
    const result =
      which === 'best'
        ? state.best?.result.parameters
        : which === 'last'
          ? await lastResult(store, id)
          : undefined;
    if (!result)
      throw new LentigoError('LENTIGO_STUDY_STATE', `Study ${id} has no ${which} model yet.`);
    const start = decodeModel(await blobs.read(state.start.sha256));
    const trained = decodeParameters(
      await blobs.read(result.sha256),
      trainableSpecs(
        start.architecture,
        start.labels.names.length,
        state.config.training.trainFrom,
      ),
    );
    const safetensors = encodeModel({ ...start, parameters: start.parameters.with(trained) });
    const zip = request.query['format'] === 'zip';
    response
      .type(zip ? 'application/zip' : 'application/octet-stream')
      .send(Buffer.from(zip ? await zippedModel(safetensors) : safetensors));
  });
  router.post('/studies/:id/:action', async (request, response) => {
    const action = StudyAction.safeParse(request.params.action);
    if (!action.success)
      throw new LentigoError(
        'LENTIGO_MESSAGE_INVALID',
        `A study can be ${StudyAction.options.join(', ')}; not "${request.params.action}".`,
      );
    const runner = studies.runner(request.params.id);
    await runner.request(action.data);
    response.json({ id: runner.state.id, status: runner.state.status });
  });
  return router;
}

/** The model of the last round that closed. */
async function lastResult(store: Store, study: string) {
  return (
    (await store.rounds(study)).filter((r) => r.phase === 'closed').at(-1)?.result ?? undefined
  );
}

/** @throws LENTIGO_ADMIN_TOKEN unless the request carries the token. */
function requireToken(token: string): RequestHandler {
  const isToken = tokenCheck(`Bearer ${token}`);
  return (request, _response, next) => {
    if (!isToken(request.headers.authorization))
      throw new LentigoError(
        'LENTIGO_ADMIN_TOKEN',
        `${request.method} ${request.originalUrl} needs the admin token.`,
      );
    next();
  };
}
