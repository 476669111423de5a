// Keeps the files of the page, so that it works without a connection. With one, the server's files are
// used: another version, or another site at this address, is never hidden by old files.

importScripts("offline.js");

const { version, files } = self.OFFLINE;
const OURS = `utkage ${self.registration.scope} `;
const NAME = OURS + version;
const addresses = new Set(["./", ...files].map((name) => new URL(name, self.registration.scope).href));
// Milliseconds after which a slow connection counts as none.
const PATIENCE = 4000;

self.addEventListener("install", (event) => {
  const kept = [...addresses].map((address) => new Request(address, { cache: "no-cache" }));
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(kept)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const isOld = (name) => name.startsWith(OURS) && name !== NAME;
  event.waitUntil(
    caches.keys()
      .then((names) => Promise.all(names.filter(isOld).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method === "GET" && addresses.has(url.split(/[?#]/)[0])) event.respondWith(answer(event.request));
});

async function answer(request) {
  const kept = await (await caches.open(NAME)).match(request, { ignoreSearch: true });
  if (!kept) return fetch(request);
  const fresh = fetch(request).catch(() => kept);
  return Promise.race([fresh, new Promise((done) => setTimeout(done, PATIENCE, kept))]);
}
