// Keeps the page's files in the browser. With a network they are fetched, so that a newer page is seen at once; without one, the kept
// ones serve.
"use strict";
const store = "featup";
const files = ["./", "index.html", "page.css", "page.js", "library.js", "worker.js", "featup.js", "featup.wasm"];

addEventListener("install", event => event.waitUntil(caches.open(store).then(cache => cache.addAll(files)).then(() => skipWaiting())));
addEventListener("activate", event => event.waitUntil(clients.claim()));

async function answer(request) {
  const cache = await caches.open(store);
  try {
    const fresh = await fetch(request);
    if (fresh.ok) await cache.put(request, fresh.clone());
    return fresh;
  } catch (error) {
    const kept = await cache.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}

const kept = new Set(files.map(name => new URL(name, location).href));
addEventListener("fetch", event => {
  if (event.request.method === "GET" && kept.has(event.request.url)) event.respondWith(answer(event.request));
});
