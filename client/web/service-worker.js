// Keeps the app's own files, so that it opens without a network: everything but the rounds works
// then. Filled in by vite.config.js; photographs and models are not its business.
const FILES = __FILES__;
const CACHE = 'lentigo-clinic-__VERSION__';

self.addEventListener('install', (event) =>
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES))),
);

self.addEventListener('activate', (event) =>
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(
          names
            .filter((name) => name.startsWith('lentigo-clinic-') && name !== CACHE)
            .map((name) => caches.delete(name)),
        ),
      )
      .then(() => self.clients.claim()),
  ),
);

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || !request.url.startsWith(self.registration.scope)) return;
  // The page itself from the network while there is one, so that a new release comes at once; its
  // parts carry their hash in their name.
  event.respondWith(
    request.mode === 'navigate'
      ? fetch(request).catch(() => caches.match('./', { ignoreVary: true }))
      : caches.match(request, { ignoreVary: true }).then((kept) => kept ?? fetch(request)),
  );
});
