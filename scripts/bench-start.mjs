import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { at } from "./lib.mjs";
import { serve } from "./serve.mjs";

/** Gathers what a page downloads of a served folder; the returned function gives the bytes, each file gzipped. */
export function downloads(page, folder) {
  const paths = new Set();
  page.on("request", (request) => {
    const { protocol, pathname } = new URL(request.url());
    if (protocol === "http:") paths.add(join(folder, pathname.endsWith("/") ? "index.html" : pathname));
  });
  return () =>
    [...paths].filter(existsSync).reduce((sum, path) => sum + gzipSync(readFileSync(path)).length, 0);
}

/** Milliseconds from navigation to XOR's first trained step on the playground. */
async function firstStep(page, url) {
  await page.goto(url, { waitUntil: "commit" });
  const done = await page.waitForFunction(
    () => {
      const shown = document.querySelector(".status .step")?.textContent ?? "";
      return Number(/\d+/.exec(shown.replaceAll(",", ""))?.[0]) >= 1 && performance.now();
    },
    undefined,
    { polling: "raf", timeout: 60_000 },
  );
  return done.jsonValue();
}

/** The playground's first trained step, with an empty cache and with a filled one, and what was downloaded. */
export async function coldStart(launch) {
  const site = await serve(at("dist", "site"), 0);
  const chrome = await launch();
  try {
    const context = await chrome.newContext();
    const visit = async () => {
      const page = await context.newPage();
      const bytes = downloads(page, at("dist", "site"));
      const ms = await firstStep(page, site.url);
      const loaded = bytes();
      await page.close();
      return { ms, loaded };
    };
    const cold = await visit();
    const warm = await visit();
    console.log(
      `\nstart: navigation to the first trained step of XOR\n` +
        `cold cache ${cold.ms.toFixed(0)} ms, warm cache ${warm.ms.toFixed(0)} ms; ` +
        `${(cold.loaded / 1024).toFixed(0)} KB gzip downloaded`,
    );
    return { workload: "start", engine: "playground", cold: cold.ms, warm: warm.ms, bytes: cold.loaded };
  } finally {
    await chrome.close();
    site.close();
  }
}
