import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { at, cache, main, node, npm, run, step, unlessFresh } from "./lib.mjs";
import { checkPrerequisites, npmPackages, stdSource, wasmBindgen, wasmTarget } from "./setup.mjs";

const engineInputs = [
  ...["Cargo.toml", "Cargo.lock", ".cargo", "crate", "shaders"],
  ...["web/bindings/Cargo.toml", "web/bindings/src", "scripts/build.mjs"],
];
const readerInputs = [
  ...["Cargo.toml", "Cargo.lock", ".cargo", "crate", "shaders"],
  ...["web/reader", "scripts/build.mjs"],
];
const packageInputs = [
  ...[
    ...engineInputs,
    "web/reader",
    "scripts/methods.mjs",
    "scripts/methods-python.mjs",
    "scripts/parameters.mjs",
  ],
  ...["web/package", "tsconfig.base.json", "package-lock.json"],
];
const playgroundInputs = [...packageInputs, "web/playground", "web/bench", "web/python"];

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

const target = "wasm32-unknown-unknown";
const engineFolder = at("web/package/wasm");

const plain = { folder: "wasm", targetFeatures: "+simd128" };

// A memory that threads share, of at most 4 GiB; std must be made for it too.
const shared = {
  folder: "wasm-threads",
  flags: ["-Zbuild-std=std,panic_abort"],
  features: ["threads"],
  env: { RUSTC_BOOTSTRAP: "1" },
  targetFeatures: "+atomics,+bulk-memory,+mutable-globals,+simd128",
  linkArgs: [
    ...["--shared-memory", "--max-memory=4294967296", "--import-memory"],
    ...["__wasm_init_tls", "__tls_size", "__tls_align", "__tls_base"].map((name) => `--export=${name}`),
  ],
};

// A tenth less to download: what must be inlined says so, and hot loops are emitted at run time.
const SMALL_CODE = "-Cllvm-args=-inline-threshold=25";
const SMALL_PACKAGES = 'profile.release.package."*".opt-level="s"';

/** Compiles a crate; the module's path. */
async function compile(crate, kind, ...configs) {
  const { folder, targetFeatures, flags = [], linkArgs = [], env = {} } = kind;
  const rustFlags = [
    `-Ctarget-feature=${targetFeatures}`,
    SMALL_CODE,
    ...linkArgs.map((arg) => `-Clink-arg=${arg}`),
  ];
  const all = {
    ...(await wasmTarget()),
    ...env,
    CARGO_TARGET_DIR: at("target", folder),
    CARGO_ENCODED_RUSTFLAGS: rustFlags.join("\x1f"),
  };
  const args = ["build", "--release", "-p", crate, "--target", target, ...flags];
  const options = [SMALL_PACKAGES, ...configs].flatMap((config) => ["--config", config]);
  await run("cargo", [...args, ...options], { env: all });
  return at("target", folder, target, "release", `${crate.replaceAll("-", "_")}.wasm`);
}

const optimize = (from, to, { features = [] }, more = []) => {
  const enabled = [...wasmFeatures, ...features].map((feature) => `--enable-${feature}`);
  const args = [at("node_modules/binaryen/bin/wasm-opt"), from, "-O2", ...more, ...enabled, "-o", to];
  return step("wasm-opt (up to a minute)", () => node(args));
};

/** Builds `web/package/wasm/NAME.js` and `NAME_bg.wasm`. */
async function buildEngine(name, kind) {
  const raw = await compile("playgrad-web", kind);
  await wasmBindgen();
  const work = cache("bindgen", name);
  rmSync(work, { recursive: true, force: true });
  const web = ["--target", "web", "--omit-default-module-path"];
  await run("wasm-bindgen", [raw, ...web, "--out-name", name, "--out-dir", work]);
  const module = join(work, `${name}_bg.wasm`);
  await optimize(module, module, kind);
  cpSync(work, engineFolder, { recursive: true });
}

export const engine = () => {
  const outputs = ["web/package/wasm/playgrad_bg.wasm"];
  return unlessFresh("engine (wasm)", { inputs: engineInputs, outputs }, () =>
    buildEngine("playgrad", plain),
  );
};

// Where it cannot be built the plain engine stands in for it: pages then use one thread.
export async function threadedEngine() {
  const missing = await stdSource();
  if (missing) console.warn(`\n⚠ pages will use one thread: ${missing}`);
  const outputs = ["web/package/wasm/playgrad_threads_bg.wasm"];
  const extra = missing ? "plain" : "threads";
  await unlessFresh("engine with threads (wasm)", { inputs: engineInputs, outputs, extra }, async () => {
    if (!missing) return buildEngine("playgrad_threads", shared);
    for (const end of [".js", "_bg.wasm"])
      cpSync(join(engineFolder, `playgrad${end}`), join(engineFolder, `playgrad_threads${end}`));
  });
}

/** What reads models and PyTorch's files: plain functions over its memory, so it needs no glue. */
export const reader = () => {
  const module = "web/package/wasm/reader.wasm";
  return unlessFresh("reader (wasm)", { inputs: readerInputs, outputs: [module] }, async () => {
    const raw = await compile("playgrad-reader", plain, 'profile.release.opt-level="s"');
    mkdirSync(engineFolder, { recursive: true });
    await optimize(raw, at(module), plain, ["--strip-debug", "--strip-producers"]);
  });
};

const npmPackage = () =>
  unlessFresh(
    "npm package",
    { inputs: packageInputs, outputs: ["web/package/dist", "web/python/tinygrad/_methods.json"] },
    () => npm(["run", "build", "-w", "playgrad"]),
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
  await threadedEngine();
  await reader();
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
