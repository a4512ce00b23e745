// src and wasm → dist: JavaScript made small, declarations with their comments, and the wasm as text for ./inline.
// The generated glue in wasm is made small too.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

// Errors tell their class by its name.
const keepNames = { function: false, class: true };
const small = { module: true, mangle: { keepNames }, compress: { keepNames } };
const made = readdirSync(join(here, "dist"), { recursive: true }).filter((name) => name.endsWith(".js"));
const glue = ["wasm/playgrad.js", "wasm/playgrad_threads.js"];
for (const name of [...made.map((name) => join("dist", name)), ...glue]) {
  const file = join(here, name);
  const { code, errors } = minifySync(file, readFileSync(file, "utf8"), small);
  if (errors.length > 0) throw new Error(errors[0].message);
  writeFileSync(file, code);
}

const wasm = readFileSync(join(here, "wasm", "playgrad_bg.wasm"));
writeFileSync(join(here, "dist", "inline-wasm.js"), `export const base64 = "${wasm.toString("base64")}";\n`);
