import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { mergeConfig } from 'vite';
import { page } from '../../scripts/web.js';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/**
 * Writes service-worker.js with the names of all files of the app, and a version that changes with
 * any of them.
 */
const serviceWorker = {
  name: 'service-worker',
  apply: 'build',
  generateBundle: {
    order: 'post',
    handler(_options, bundle) {
      const built = Object.values(bundle).filter(
        ({ fileName }) => !/\.(map|gz|br)$/.test(fileName) && fileName !== 'index.html',
      );
      const kept = readdirSync(here('public'));
      const version = createHash('sha256');
      for (const file of Object.values(bundle))
        version.update(file.fileName).update(file.type === 'chunk' ? file.code : file.source);
      for (const name of kept) version.update(readFileSync(here(`public/${name}`)));
      const files = [
        './',
        ...built.map(({ fileName }) => `./${fileName}`),
        ...kept.map((name) => `./${name}`),
      ];
      const source = readFileSync(here('service-worker.js'), 'utf8')
        .replace('__FILES__', JSON.stringify(files))
        .replace('__VERSION__', version.digest('hex').slice(0, 16));
      this.emitFile({ type: 'asset', fileName: 'service-worker.js', source });
    },
  },
};

/** What libheif asks for in Node alone. */
const withoutNode = {
  name: 'without-node',
  enforce: 'pre',
  resolveId: (id, importer) =>
    importer?.includes('libheif-js') && ['fs', 'path', 'crypto'].includes(id)
      ? '\0empty'
      : undefined,
  load: (id) => (id === '\0empty' ? 'export default {};' : undefined),
};

export default mergeConfig(page('clinic'), { plugins: [serviceWorker, withoutNode] });
