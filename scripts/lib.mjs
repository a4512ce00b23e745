import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
export const at = (...parts) => join(root, ...parts);
export const cache = (...parts) => at(".cache", ...parts);
export const toolsBin = cache("tools", "bin");

/** An error whose message is all the user needs: printed without a stack. */
export class Failure extends Error {}

export const seconds = (ms) =>
  ms < 90_000 ? `${(ms / 1000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;

export async function step(title, work) {
  const start = Date.now();
  console.log(`\n▸ ${title}`);
  const result = await work();
  console.log(`✓ ${title} (${seconds(Date.now() - start)})`);
  return result;
}

/** Entry of every script: prints a Failure plainly, anything else with its stack. */
export async function main(work) {
  try {
    await work();
  } catch (error) {
    console.error(`\n✗ ${error instanceof Failure ? error.message : error.stack}`);
    process.exit(1);
  }
}

const withTools = (env) => {
  const plain = process.stdout.isTTY ? {} : { NO_COLOR: "1" };
  const merged = { ...process.env, ...plain, ...env };
  return { ...merged, PATH: `${toolsBin}${delimiter}${merged.PATH}` };
};

/** Runs a command with its output shown; a failing command becomes a Failure that names it and the fix. */
export function run(command, args, { env = {}, cwd = root, fix, denyWarnings = false } = {}) {
  const shown = [command, ...args].map((word) => word.replace(`${root}/`, "")).join(" ");
  const failure = (what) => new Failure(`\`${shown}\` ${what}${fix ? `\n  ${fix}` : ""}`);
  return new Promise((done, fail) => {
    const stdio = ["inherit", "inherit", denyWarnings ? "pipe" : "inherit"];
    const child = spawn(command, args, { cwd, env: withTools(env), stdio });
    let warned = false;
    child.stderr?.on("data", (chunk) => {
      process.stderr.write(chunk);
      warned ||= /^warning/m.test(chunk);
    });
    child.on("error", (error) => fail(failure(`cannot start: ${error.message}`)));
    child.on("close", (code, signal) => {
      if (code !== 0) fail(failure(`ended with ${signal ?? `exit code ${code}`}`));
      else if (warned) fail(failure("gave warnings"));
      else done();
    });
  });
}

/** The output of a quick command, or undefined where it is missing or fails. */
export function output(command, args, env = {}) {
  const result = spawnSync(command, args, { cwd: root, env: withTools(env), encoding: "utf8" });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

/** npm through the npm that started us, which also works where `npm` is a .cmd file. */
export function npm(args, options) {
  const self = process.env.npm_execpath;
  return self ? run(process.execPath, [self, ...args], options) : run("npm", args, options);
}

export const node = (args, options) => run(process.execPath, args, options);

const produced = new Set(
  [
    ...["target", "dist", "web/package/wasm", "web/package/dist", "web/package/src/generated"],
    "web/playground/dist",
  ].map((path) => at(path)),
);
const byTools = new Set(["node_modules", ".cache", ".svelte-check", ".vite"]);

/** Every file under `path` that people write, in a fixed order. */
export function files(path) {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .filter(({ name }) => !byTools.has(name) && !produced.has(join(path, name)))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ name }) => files(join(path, name)));
}

export function hash(paths, extra = "") {
  const digest = createHash("sha256").update(extra);
  for (const file of paths.flatMap((path) => files(at(path)))) {
    digest.update(`\0${relative(root, file)}\0`).update(readFileSync(file));
  }
  return digest.digest("hex");
}

/** Runs `work` unless the contents of `inputs` are as they were after its last success and `outputs` exist. */
export async function unlessFresh(title, { inputs, outputs = [], extra = "" }, work) {
  const stamp = cache("stamps", title.replaceAll(/[^a-z0-9]+/gi, "-"));
  const fresh = () => existsSync(stamp) && readFileSync(stamp, "utf8") === hash(inputs, extra);
  if (fresh() && outputs.every((path) => existsSync(at(path)))) return console.log(`✓ ${title} (unchanged)`);
  rmSync(stamp, { force: true });
  await step(title, work);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, hash(inputs, extra));
}

/** `--port 8080 --no-serve` → { port: "8080", serve: false }; an unknown option is a Failure. */
export function options(known) {
  const result = {};
  const args = process.argv.slice(2);
  while (args.length > 0) {
    const [flag, inline] = args.shift().split("=", 2);
    const name = flag.replace(/^--(no-)?/, "");
    if (!(name in known)) {
      throw new Failure(`unknown option ${flag}; known: ${Object.values(known).join(", ")}`);
    }
    const takesValue = known[name].includes(" ");
    result[name] = takesValue ? (inline ?? args.shift()) : !flag.startsWith("--no-");
    if (result[name] === undefined) throw new Failure(`${flag} needs a value: ${known[name]}`);
  }
  return result;
}
