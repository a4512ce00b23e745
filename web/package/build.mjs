// src and wasm → dist: JavaScript without comments, declarations with them, and the wasm as text for ./inline.
// The generated glue in wasm is made small.
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { minifySync } from "vite";
import { generate } from "../../scripts/methods.mjs";

const here = import.meta.dirname;
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const compile = (...args) => {
  const { status } = spawnSync(process.execPath, [tsc, "-p", here, ...args], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
};

generate();
rmSync(join(here, "dist"), { recursive: true, force: true });
compile("--declaration", "--emitDeclarationOnly");
compile("--removeComments");

for (const name of ["playgrad.js", "playgrad_threads.js"]) {
  const glue = join(here, "wasm", name);
  const { code, errors } = minifySync(glue, readFileSync(glue, "utf8"), { module: true });
  if (errors.length > 0) throw new Error(errors[0].message);
  writeFileSync(glue, code);
}

const wasm = readFileSync(join(here, "wasm", "playgrad_bg.wasm"));
writeFileSync(join(here, "dist", "inline-wasm.js"), `export const base64 = "${wasm.toString("base64")}";\n`);
