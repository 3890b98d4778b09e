// The express application: access to the routes, and the headers of every answer.
import express, { type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import { ERRORS, LentigoError } from '../../common/errors.js';
import { API_PATH, routes, UPLOADS_PATH } from '../../common/protocol/routes.js';
import { tokenCheck } from '../access/admin-token.js';
import { type AddressOf, type FailureLimit, limitFailures } from '../access/failure-limit.js';
import type { Presence } from '../gateway/presence.js';
import type { Studies } from '../rounds/studies.js';
import type { Blobs } from '../storage/blobs.js';
import type { Database } from '../storage/database.js';
import type { Clock } from '../rounds/records.js';
import type { Store } from '../storage/store.js';
import { auditHandlers } from './audit.js';
import { blobHandlers } from './blobs.js';
import { enrolHandlers } from './enrol.js';
import { errorHandler } from './errors.js';
import { healthHandlers } from './health.js';
import { memberHandlers } from './members.js';
import { modelHandlers } from './models.js';
import { pageRoutes } from './pages.js';
import { type Handlers, serveRoutes } from './serve.js';
import { studyHandlers } from './studies.js';
import type { Uploads } from './uploads.js';

export interface AppParts {
  readonly store: Store;
  readonly blobs: Blobs;
  readonly studies: Studies;
  readonly presence: Presence;
  readonly adminToken: string;
  /** The address that clinics reach; known only once the server listens. */
  readonly publicUrl: () => string;
  readonly now: Clock;
  readonly database: Database;
  readonly uploads: Uploads;
  /** Counts refused enrolments. */
  readonly enrolments: FailureLimit;
  /** Counts wrong admin tokens. */
  readonly tokens: FailureLimit;
  readonly addressOf: AddressOf;
  readonly log: Logger;
}

/** The largest JSON body that is read, in bytes; models and updates have routes of their own. */
const JSON_LIMIT = 256 * 1024;

export function createApp(parts: AppParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          'default-src': ["'self'"],
          'script-src': ["'self'", "'wasm-unsafe-eval'"],
          'worker-src': ["'self'", 'blob:'],
          // Mantine and the charts put sizes and colours in style elements.
          'style-src': ["'self'", "'unsafe-inline'"],
          'img-src': ["'self'", 'data:', 'blob:'],
          'connect-src': ["'self'", 'blob:', 'data:'],
          'object-src': ["'none'"],
          'base-uri': ["'self'"],
          'form-action': ["'self'"],
          'frame-ancestors': ["'none'"],
        },
      },
      crossOriginOpenerPolicy: { policy: 'same-origin' },
      crossOriginEmbedderPolicy: { policy: 'require-corp' },
    }),
  );
  const handlers: Handlers = {
    ...healthHandlers(parts.database, parts.studies, parts.presence),
    ...blobHandlers(parts.blobs, parts.studies.traffic),
    ...enrolHandlers(parts.store, parts.log),
    ...modelHandlers(parts),
    ...studyHandlers(parts),
    ...memberHandlers(parts),
    ...auditHandlers(parts.store),
  };
  const json = express.json({ limit: JSON_LIMIT });
  app.all([UPLOADS_PATH, `${UPLOADS_PATH}/*id`], parts.uploads.handler);
  // Before the body is read, so that requests with unreadable bodies are counted too.
  app.use(routes.enrol.path, limitFailures(parts.enrolments, parts.addressOf), json);
  serveRoutes(app, 'anyone', handlers);
  app.use(
    API_PATH,
    limitFailures(parts.tokens, parts.addressOf, ERRORS.LENTIGO_ADMIN_TOKEN.http),
    json,
    requireToken(parts.adminToken),
  );
  serveRoutes(app, 'admin', handlers);
  app.use(pageRoutes());
  app.use((request, _response) => {
    throw new LentigoError(
      'LENTIGO_ROUTE_UNKNOWN',
      `There is nothing at ${request.method} ${request.path}.`,
    );
  });
  app.use(errorHandler(parts.log));
  return app;
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
