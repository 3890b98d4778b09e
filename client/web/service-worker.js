// Caches the app's own files, so that it opens offline; then everything works but the rounds.
// vite.config.js fills in the list of files. It doesn't handle photographs or models.
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
  // The page itself comes from the network if there is one, so that a new release takes effect at
  // once; its parts have their hash in their names.
  event.respondWith(
    request.mode === 'navigate'
      ? fetch(request).catch(() => caches.match('./', { ignoreVary: true }))
      : caches.match(request, { ignoreVary: true }).then((kept) => kept ?? fetch(request)),
  );
});
