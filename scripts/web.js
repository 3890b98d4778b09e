// The Vite configuration that the two pages share: each page's vite.config.js gives its name. Built
// into dist/web/<name>, where the coordinator serves it at /<name>/.
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { compression } from 'vite-plugin-compression2';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Requests of the pages to the coordinator, passed on to it during development. */
const coordinator = process.env['LENTIGO_URL'] ?? 'http://127.0.0.1:8460';
const proxy = Object.fromEntries(
  ['/api', '/blobs', '/uploads', '/socket.io'].map((path) => [
    path,
    { target: coordinator, ws: path === '/socket.io', changeOrigin: true },
  ]),
);

/** The headers that make a page cross-origin isolated, as the coordinator sends them too. */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/**
 * Imports each icon from its own file, because the package's index has eight thousand and takes a
 * minute to bundle.
 */
const singleIcons = {
  name: 'single-icons',
  enforce: 'pre',
  transform: {
    filter: { id: /\.tsx$/ },
    /** @param {string} code */
    handler: (code) =>
      code.replace(
        /import \{([^}]*)\} from '@tabler\/icons-react';/,
        (_, /** @type {string} */ names) =>
          names
            .split(',')
            .map((name) => name.trim())
            .filter(Boolean)
            .map((name) => `import ${name} from '@tabler/icons-react/dist/esm/icons/${name}.mjs';`)
            .join(' '),
      ),
  },
};

/** @param {'console' | 'clinic'} name */
export const page = (name) =>
  defineConfig({
    // Relative, so that a proxy may put the coordinator under a prefix.
    base: './',
    plugins: [
      singleIcons,
      react(),
      compression({
        algorithms: ['gzip', 'brotliCompress'],
        include: /\.(html|css|js|json|svg|wasm)$/,
        threshold: 1024,
      }),
    ],
    build: {
      outDir: `${root}dist/web/${name}`,
      emptyOutDir: true,
      target: 'es2022',
      chunkSizeWarningLimit: 1500,
      reportCompressedSize: false,
    },
    worker: { format: 'es' },
    server: { proxy, headers },
  });
