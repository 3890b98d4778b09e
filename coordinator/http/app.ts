// The express application: which routes there are, and the headers that every answer carries.
import express, { type Express } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import { ERRORS, LentigoError } from '../../common/errors.js';
import type { Database } from '../storage/database.js';
import { blobRoutes } from './blobs.js';
import { type ConsoleParts, consoleRoutes } from './console.js';
import { enrolRoutes } from './enrol.js';
import { errorHandler } from './errors.js';
import { type AddressOf, type FailureLimit, limitFailures } from '../access/failure-limit.js';
import { healthRoutes } from './health.js';
import { pageRoutes } from './pages.js';
import { type Uploads, UPLOADS_PATH } from './uploads.js';

export interface AppParts extends ConsoleParts {
  readonly database: Database;
  readonly uploads: Uploads;
  /** Of refused enrolments. */
  readonly enrolments: FailureLimit;
  /** Of wrong admin tokens. */
  readonly tokens: FailureLimit;
  readonly addressOf: AddressOf;
  readonly log: Logger;
}

/** The largest JSON body that is read, bytes; models and updates have routes of their own. */
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
          // Mantine and the charts put sizes and colours in style elements
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
  app.use(healthRoutes(parts.database, parts.studies, parts.presence));
  app.use('/blobs', blobRoutes(parts.blobs, parts.studies.traffic));
  app.all([UPLOADS_PATH, `${UPLOADS_PATH}/*id`], parts.uploads.handler);
  // before the body is read: a body that is none counts, too
  app.use('/api/enrol', limitFailures(parts.enrolments, parts.addressOf));
  const json = express.json({ limit: JSON_LIMIT });
  app.use('/api/enrol', json, enrolRoutes(parts.store, parts.log));
  app.use(
    '/api',
    limitFailures(parts.tokens, parts.addressOf, ERRORS.LENTIGO_ADMIN_TOKEN.http),
    json,
    consoleRoutes(parts),
  );
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
