import { strToU8, zipSync } from "fflate";
import { version } from "../../../package/package.json";
import type { DeviceChoice } from "../protocol";
import { erase } from "../runner/compile";
import node from "./node.js?raw";
import page from "./page.js?raw";

/** A program as a file that runs without the playground; loaded when it is asked for. */

export interface Exported {
  title: string;
  code: string;
  seed: number;
  device: DeviceChoice;
}

const engine = import.meta.glob<string>(
  ["./dist/**/*.js", "./wasm/playgrad.js", "!./dist/{index,bridge}.js"],
  { base: "../../../package", query: "?raw", import: "default" },
);

/** One HTML file that carries the engine: it opens from a disk, without a network. */
export async function asHtml({ title, code, seed, device }: Exported): Promise<Blob> {
  const files = await Promise.all(
    Object.entries(engine).map(async ([path, load]) => [path.slice(2), await load()] as const),
  );
  const imports: Record<string, string> = { playground: address(page) };
  for (const [path, source] of files) {
    const module = address(absolute(source, path));
    imports[`engine/${path}`] = module;
    const entry = /^dist\/(\w+)\/index\.js$/.exec(path);
    if (entry) imports[`playgrad/${entry[1]}`] = module;
    if (path === "dist/inline.js") imports.playgrad = module;
  }
  const program = `import "playground";\n${erase(code)}`.replaceAll("</script", "<\\/script");
  const map = JSON.stringify({ imports }).replaceAll("<", "\\u003c");
  const name = title.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return new Blob([html(name, seed, device, map, program)], { type: "text/html" });
}

const address = (source: string) => `data:text/javascript,${encodeURIComponent(source)}`;

/** Imports from files beside it, by names that the page's map knows. */
function absolute(source: string, path: string): string {
  return source.replace(/((?:from|import)\s*\(?\s*)"(\.{1,2}\/[^"]+)"/g, (_, before: string, to: string) => {
    const { pathname } = new URL(to, `http://engine/${path}`);
    return `${before}"engine${pathname}"`;
  });
}

const html = (title: string, seed: number, device: string, map: string, program: string) => `<!doctype html>
<html lang="en" data-seed="${seed}" data-device="${device}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 900px; margin: 24px auto; padding: 0 16px; }
h1 { font-size: 20px; } h2 { margin: 0; font-size: 14px; }
#panels { display: flex; flex-wrap: wrap; gap: 16px; }
section { max-width: 100%; color: #0f766e; } canvas { max-width: 100%; }
#console { overflow: auto; max-height: 260px; font: 13px/1.5 ui-monospace, monospace; white-space: pre-wrap; }
.error { color: #b3261e; } .note { opacity: 0.7; }
</style>
<h1>${title}</h1>
<p><span id="device">…</span> <span id="status"></span></p>
<div id="panels"></div>
<div id="console" role="log" tabindex="0" aria-label="Console"></div>
<script type="importmap">${map}</script>
<script type="module">
${program}
</script>
</html>
`;

/** A zip of a project for Node: \`npm install\`, \`npm start\`. */
export function asProject({ title, code, seed, device }: Exported): Blob {
  const name =
    title
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-|-$/g, "") || "program";
  const imports = erase(code).replace(/(from\s*|import\s*)(["'])playground\2/g, '$1"./playground.js"');
  const start = `import { init, manualSeed } from "playgrad";

await init({ device: process.argv[2] ?? ${JSON.stringify(device)} });
manualSeed(${seed});
await import("./main.js");
`;
  const manifest = {
    name,
    version: "1.0.0",
    private: true,
    type: "module",
    scripts: { start: "node start.js" },
    dependencies: { playgrad: version },
  };
  const files = {
    "package.json": `${JSON.stringify(manifest, null, 2)}\n`,
    "start.js": start,
    "main.js": `${imports}\n`,
    "playground.js": node,
    "README.md": readme(title),
  };
  const packed = Object.fromEntries(
    Object.entries(files).map(([path, content]) => [`${name}/${path}`, strToU8(content)]),
  );
  return new Blob([zipSync(packed) as Uint8Array<ArrayBuffer>], { type: "application/zip" });
}

const readme = (title: string) => `# ${title}

A program from the playgrad playground. It needs Node 20.19 or later.

    npm install
    npm start

\`npm start cpu\` chooses the device. What the program plots is written to metrics.csv; panels are not drawn.
`;
