// Keeps what the page has loaded, for a visit without a network, and adds the headers of cross-origin isolation on
// hosts that cannot send them.
const cacheName = "playgrad-site";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// What the page had loaded before this worker was there.
self.addEventListener("message", (event) => {
  const wanted = event.data.filter((address) => !keptByThePage(address));
  const all = wanted.map((address) => load(new Request(address), event).catch(() => undefined));
  event.waitUntil(Promise.all(all));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== self.location.origin) return;
  if (request.cache === "only-if-cached" && request.mode !== "same-origin") return;
  event.respondWith(load(request, event));
});

async function load(request, event) {
  try {
    const response = isolated(await fetch(request));
    if (response.status === 200 && !keptByThePage(request.url))
      event.waitUntil(keep(request, response.clone()).catch(() => undefined));
    return response;
  } catch (error) {
    const known = await caches.match(request, { cacheName, ignoreSearch: true, ignoreVary: true });
    if (known) return known;
    throw error;
  }
}

const keptByThePage = (address) => /\/(pyodide|python_stdlib)[^/]*$/.test(address);

async function keep(request, response) {
  if (request.mode === "navigate") {
    const known = await caches.match(request, { cacheName });
    // Another version of the site: what belonged to the last one goes.
    if (known && (await known.text()) !== (await response.clone().text())) await caches.delete(cacheName);
  }
  const cache = await caches.open(cacheName);
  await cache.put(request, response);
}

function isolated(response) {
  if (response.status === 0) return response;
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  const empty = [101, 204, 205, 304].includes(response.status);
  const { status, statusText } = response;
  return new Response(empty ? null : response.body, { status, statusText, headers });
}
