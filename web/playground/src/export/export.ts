import { strToU8, zipSync } from "fflate";
import { version } from "../../../package/package.json";
import styles from "../app.css?raw";
import type { DeviceChoice } from "../protocol";
import { erase } from "../runner/compile";
import node from "./node.js?raw";

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

/** The playground's own panels, and what draws them there. */
const panels = import.meta.glob<string>(
  [
    "./export/{draw,page}.ts",
    "./live/*.ts",
    "./runner/{ahead,console,control,feed,usage}.ts",
    "./text/en.ts",
    "./charts/{colors,format,series}.ts",
    "./panels/pad.ts",
    "./panels/paint/*.ts",
  ],
  { base: "../", query: "?raw", import: "default" },
);

/** One HTML file that carries the engine: it opens from a disk, without a network. */
export async function asHtml({ title, code, seed, device }: Exported): Promise<Blob> {
  const imports: Record<string, string> = {};
  for (const [path, load] of Object.entries(engine)) {
    const name = `engine/${path.slice(2)}`;
    imports[name] = address(absolute(await load(), name));
    const entry = /dist\/(\w+)\/index\.js$/.exec(name);
    if (entry) imports[`playgrad/${entry[1]}`] = imports[name];
  }
  for (const [path, load] of Object.entries(panels)) {
    const name = `page/${path.slice(2, -".ts".length)}`;
    imports[name] = address(absolute(erase(await load()), name));
  }
  imports.playgrad = imports["engine/dist/inline.js"] ?? "";
  imports.playground = imports["page/export/page"] ?? "";
  imports["page/runner/port"] = imports["page/export/draw"] ?? "";
  const program = `import "playground";\n${erase(code)}\ndispatchEvent(new Event("programend"));`.replaceAll(
    "</script",
    "<\\/script",
  );
  const map = JSON.stringify({ imports }).replaceAll("<", "\\u003c");
  const name = title.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return new Blob([html(name, seed, device, map, program)], { type: "text/html" });
}

const address = (source: string) => `data:text/javascript,${encodeURIComponent(source)}`;

/** Imports from files beside it, by names that the page's map knows. */
function absolute(source: string, name: string): string {
  return source.replace(/((?:from|import)\s*\(?\s*)"(\.{1,2}\/[^"]+)"/g, (_, before: string, to: string) => {
    const { pathname } = new URL(to, `http://page/${name}`);
    return `${before}"${pathname.slice(1)}"`;
  });
}

/** The playground's colours. */
const [palette = ""] = /:root \{[\s\S]*?\n\}/.exec(styles) ?? [];

const html = (title: string, seed: number, device: string, map: string, program: string) => `<!doctype html>
<html lang="en" data-seed="${seed}" data-device="${device}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>
${palette}
body { max-width: 900px; margin: 24px auto; padding: 0 16px; background: var(--bg); color: var(--text); font: 15px/1.5 var(--font); }
h1 { font-size: 20px; } h2 { margin: 0; font-size: 14px; }
#panels { display: flex; flex-wrap: wrap; gap: 16px; align-items: start; }
section { max-width: 100%; padding: 12px 14px; border: 1px solid var(--line); border-radius: 10px; background: var(--surface); overflow: auto; box-sizing: border-box; }
section > canvas { color: var(--accent); max-width: 100%; }
section > canvas[width="680"] { width: 340px; }
section > div > canvas { display: block; min-width: 84px; max-width: 100%; image-rendering: pixelated; }
figure { display: inline-block; width: 56px; margin: 2px; text-align: center; font-weight: 600; }
figure canvas { width: 56px; image-rendering: pixelated; }
.heat { width: 160px; } section > div > .heat { display: inline-block; margin-right: 8px; }
textarea { width: 340px; max-width: 100%; box-sizing: border-box; } pre, ol { max-height: 240px; overflow: auto; font: 13px/1.5 var(--mono); }
#console { overflow: auto; max-height: 260px; margin-top: 16px; font: 13px/1.5 var(--mono); white-space: pre-wrap; }
.error { color: var(--danger); } .warn { color: var(--warn); }
</style>
<h1>${title}</h1>
<p><span id="device">…</span> · <span id="status"></span></p>
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

\`npm start cpu\` chooses the device. What the program plots is written to metrics.csv, models given to \`save\` to NAME.safetensors; panels are not drawn.
`;
