// Serves the two pages that `npm run build` makes, compressed in advance: the console at /console/
// and the clinic's app at /clinic/. / redirects to the console.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Router } from 'express';
import sirv from 'sirv';
import { LentigoError } from '../../common/errors.js';

const BUILT = fileURLToPath(new URL('../../web/', import.meta.url));

export function pageRoutes(): Router {
  const router = Router();
  // Relative, so that a proxy's prefix is kept.
  router.get('/', (_request, response) => response.redirect('console/'));
  for (const name of ['console', 'clinic']) {
    router.use(`/${name}`, (request, response, next) => {
      if (request.originalUrl.split('?')[0]!.endsWith(`/${name}`)) response.redirect(`${name}/`);
      else next();
    });
    router.use(`/${name}`, files(name));
  }
  return router;
}

function files(name: string) {
  const folder = `${BUILT}${name}`;
  if (!existsSync(folder)) {
    return () => {
      throw new LentigoError(
        'LENTIGO_ROUTE_UNKNOWN',
        `The page /${name}/ is not built here: npm run build makes it.`,
      );
    };
  }
  return sirv(folder, {
    etag: true,
    gzip: true,
    brotli: true,
    setHeaders: (response, path) => {
      // Files in assets/ have their content's hash in their name.
      response.setHeader(
        'Cache-Control',
        path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      );
    },
  });
}
