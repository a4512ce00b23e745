import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { at, cache, main, node, npm, run, step, unlessFresh } from "./lib.mjs";
import { checkPrerequisites, npmPackages, wasmBindgen, wasmTarget } from "./setup.mjs";

const engineInputs = [
  ...["Cargo.toml", "Cargo.lock", ".cargo", "crate", "shaders"],
  ...["web/bindings/Cargo.toml", "web/bindings/src", "scripts/build.mjs"],
];
const packageInputs = [...engineInputs, "web/package", "tsconfig.base.json", "package-lock.json"];
const playgroundInputs = [...packageInputs, "web/playground", "web/bench"];

// Never --all-features: Chromium refuses the module that makes.
const wasmFeatures = [
  "simd",
  "bulk-memory",
  "bulk-memory-opt",
  "nontrapping-float-to-int",
  "sign-ext",
  "mutable-globals",
  "reference-types",
  "multivalue",
  "call-indirect-overlong",
];

async function buildEngine() {
  const env = await wasmTarget();
  const target = "wasm32-unknown-unknown";
  await run("cargo", ["build", "--release", "-p", "playgrad-web", "--target", target], { env });
  await wasmBindgen();
  const work = cache("bindgen");
  rmSync(work, { recursive: true, force: true });
  const raw = at("target", "wasm", target, "release", "playgrad_web.wasm");
  const web = ["--target", "web", "--omit-default-module-path"];
  await run("wasm-bindgen", [raw, ...web, "--out-name", "playgrad", "--out-dir", work]);
  const module = join(work, "playgrad_bg.wasm");
  const features = wasmFeatures.map((name) => `--enable-${name}`);
  const optimize = [at("node_modules/binaryen/bin/wasm-opt"), module, "-O2", ...features, "-o", module];
  await step("wasm-opt (up to a minute)", () => node(optimize));
  rmSync(at("web/package/wasm"), { recursive: true, force: true });
  cpSync(work, at("web/package/wasm"), { recursive: true });
}

const engine = () => {
  const outputs = ["web/package/wasm/playgrad_bg.wasm"];
  return unlessFresh("engine (wasm)", { inputs: engineInputs, outputs }, buildEngine);
};

const npmPackage = () =>
  unlessFresh("npm package", { inputs: packageInputs, outputs: ["web/package/dist"] }, () =>
    npm(["run", "build", "-w", "playgrad"]),
  );

const playground = () =>
  unlessFresh("playground", { inputs: playgroundInputs, outputs: ["dist/site/index.html"] }, async () => {
    await npm(["run", "build", "-w", "@playgrad/playground"]);
    rmSync(at("dist", "site"), { recursive: true, force: true });
    cpSync(at("web", "playground", "dist"), at("dist", "site"), { recursive: true });
  });

/** What a page needs up to the built npm package. */
export async function buildPackage() {
  checkPrerequisites();
  await npmPackages();
  await engine();
  await npmPackage();
}

/** The static site in dist/site. */
export async function buildSite() {
  await buildPackage();
  await playground();
}

/** The packed npm package in dist/; returns its path. */
export async function packTarball() {
  const { version } = JSON.parse(readFileSync(at("web", "package", "package.json"), "utf8"));
  const tarball = `dist/playgrad-${version}.tgz`;
  mkdirSync(at("dist"), { recursive: true });
  await unlessFresh("npm tarball", { inputs: packageInputs, outputs: [tarball] }, () =>
    npm(["pack", "-w", "playgrad", "--pack-destination", at("dist"), "--silent"]),
  );
  return at(tarball);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    await buildSite();
    const tarball = await packTarball();
    console.log(`\nSite:    dist/site (copy it to any static host)\nPackage: ${tarball}`);
  });
}
