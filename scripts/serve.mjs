import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { Failure } from "./lib.mjs";

const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
};

// Cross-origin isolation, which shared memory and precise timers need.
export const isolationHeaders = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

function respond(folder, isolation, request, response) {
  let path;
  try {
    path = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname));
  } catch {
    return response.writeHead(400).end("Bad request");
  }
  let file = join(folder, path);
  if (existsSync(file) && statSync(file).isDirectory()) file = join(file, "index.html");
  if (!file.startsWith(folder) || !existsSync(file)) {
    return response.writeHead(404, isolation).end("Not found");
  }
  const { mtimeMs, size } = statSync(file);
  const headers = {
    ...isolation,
    "Content-Type": types[extname(file)] ?? "application/octet-stream",
    "Cache-Control": "no-cache",
    ETag: `"${size}-${Math.round(mtimeMs)}"`,
  };
  if (request.headers["if-none-match"] === headers.ETag) return response.writeHead(304, headers).end();
  response.writeHead(200, { ...headers, "Content-Length": size });
  if (request.method === "HEAD") return response.end();
  createReadStream(file).pipe(response);
}

const listen = (server, port) =>
  new Promise((done, fail) => {
    server.once("error", fail);
    server.listen(port, "localhost", () => done());
  });

/** Serves `folder`; without a port, on the first free one from 4173 on. */
export async function serve(folder, port, isolation = isolationHeaders) {
  const server = createServer((request, response) => respond(folder, isolation, request, response));
  const candidates = port === undefined ? Array.from({ length: 20 }, (_, i) => 4173 + i) : [port];
  for (const candidate of candidates) {
    try {
      await listen(server, candidate);
      return { url: `http://localhost:${server.address().port}/`, close: () => server.close() };
    } catch (error) {
      if (error.code !== "EADDRINUSE") throw error;
    }
  }
  throw new Failure(`port ${candidates.join(", ")} is in use: choose another with --port`);
}
