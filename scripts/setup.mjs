import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { at, cache, Failure, npm, output, run, step, unlessFresh } from "./lib.mjs";

const WASM_TARGET = "wasm32-unknown-unknown";
const WASM_PACK_VERSION = "0.15.1";
const isRoot = process.getuid?.() === 0;

export function checkPrerequisites() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Failure(
      `Node ${process.versions.node} is too old: install 20.19 or newer from https://nodejs.org`,
    );
  }
  if (!output("cargo", ["--version"])) {
    throw new Failure(
      "Rust is missing: install it from https://rustup.rs, open a new terminal and try again",
    );
  }
}

export const npmPackages = () =>
  unlessFresh(
    "npm packages",
    {
      inputs: [
        "package.json",
        "package-lock.json",
        "web/package/package.json",
        "web/playground/package.json",
      ],
      outputs: ["node_modules/.package-lock.json"],
    },
    () =>
      npm(["install", "--no-audit", "--no-fund"], {
        fix: "check the network connection, then run the command again",
      }),
  );

/** Environment for cargo when it builds for wasm; installs the target where that is needed. */
export async function wasmTarget() {
  const targetFolder = { CARGO_TARGET_DIR: at("target", "wasm") };
  const sysroot = output("rustc", ["--print", "sysroot"]);
  if (sysroot && existsSync(join(sysroot, "lib", "rustlib", WASM_TARGET))) return targetFolder;
  if (process.env.RUSTUP_AUTO_INSTALL !== "0") {
    await step(`Rust target ${WASM_TARGET}`, () =>
      run("rustup", ["target", "add", WASM_TARGET], {
        fix: `install Rust from https://rustup.rs, or your distribution's Rust standard library for ${WASM_TARGET}`,
      }),
    );
    return targetFolder;
  }
  if (!existsSync("/usr/bin/apt-get")) {
    throw new Failure(
      `RUSTUP_AUTO_INSTALL=0 keeps rustup from fetching the wasm target\n  run: rustup target add ${WASM_TARGET}`,
    );
  }
  return { ...targetFolder, ...(await debianToolchain()) };
}

/** Gets the source of Rust's std, of which threads need a build of their own; why and what to do if it is missing. */
export async function stdSource() {
  const sysroot = output("rustc", ["--print", "sysroot"], await wasmTarget());
  const found = () => existsSync(join(sysroot ?? "", "lib/rustlib/src/rust/library/Cargo.lock"));
  if (!found() && process.env.RUSTUP_AUTO_INSTALL !== "0") {
    await step("Rust's source of std", () => run("rustup", ["component", "add", "rust-src"])).catch(() => {});
  }
  if (!found()) return "the source of Rust's std is missing\n  run: rustup component add rust-src";
}

const METAL_TARGET = "aarch64-apple-darwin";

/** Arguments and environment with which cargo checks for Apple's systems; why there are none where it cannot. */
export async function metalTarget() {
  const target = ["--target", METAL_TARGET];
  const env = { CARGO_TARGET_DIR: at("target", "metal") };
  const std = () => join(output("rustc", ["--print", "sysroot"]) ?? "", "lib", "rustlib", METAL_TARGET);
  if (!existsSync(std()) && process.env.RUSTUP_AUTO_INSTALL !== "0") {
    await step(`Rust target ${METAL_TARGET}`, () => run("rustup", ["target", "add", METAL_TARGET])).catch(
      () => {},
    );
  }
  if (existsSync(std())) return { args: target, env };
  // Without std for the target, std is checked too, from its source.
  const missing = await stdSource().catch((error) => error.message);
  if (missing) return { missing: `rustup target add ${METAL_TARGET} would make it possible` };
  const toolchain = await wasmTarget();
  return {
    args: [...target, "-Zbuild-std=std,panic_abort"],
    env: { ...toolchain, ...env, RUSTC_BOOTSTRAP: "1" },
  };
}

// Debian ships a compiler that knows wasm32 and the source of std, but no std built for it.
async function debianToolchain() {
  const packages = ["rustc-web", "cargo-web", "rust-web-src", "libstd-rust-web-dev", "rust-web-llvm"];
  await aptInstall("Debian's Rust for wasm", packages);
  if (!existsSync("/usr/bin/rust-lld")) {
    await aptInstall("the linker it names", [basename(readlinkSync("/usr/bin/rust-lld"))]);
  }
  const links = cache("debian-wasm");
  mkdirSync(links, { recursive: true });
  for (const tool of ["cargo", "rustc", "rustdoc"]) {
    rmSync(join(links, tool), { force: true });
    symlinkSync(join("/usr/bin", tool), join(links, tool));
  }
  await debianStd();
  return { PATH: `${links}${delimiter}${process.env.PATH}` };
}

async function debianStd() {
  const target = `/usr/lib/rustlib/${WASM_TARGET}`;
  const version = output("/usr/bin/rustc", ["--version"]);
  const marker = join(target, "built-by");
  if (existsSync(marker) && readFileSync(marker, "utf8") === version) return;
  requireRoot(`write std for wasm32 to ${target}`, "npm test");
  await step("std for wasm32 (about a minute)", async () => {
    const work = cache("debian-std");
    rmSync(work, { recursive: true, force: true });
    cpSync("/usr/lib/rustlib/src/rust/library", join(work, "library"), {
      recursive: true,
      dereference: true,
    });
    await run("/usr/bin/cargo", ["build", "--profile", "dist", "-p", "sysroot", "--target", WASM_TARGET], {
      cwd: join(work, "library"),
      env: {
        RUSTC_BOOTSTRAP: "1",
        RUSTC: "/usr/bin/rustc",
        RUSTFLAGS: "-Zforce-unstable-if-unmarked",
        CARGO_TARGET_DIR: join(work, "target"),
      },
    });
    const built = join(work, "target", WASM_TARGET, "dist", "deps");
    rmSync(target, { recursive: true, force: true });
    mkdirSync(join(target, "lib"), { recursive: true });
    for (const file of readdirSync(built)) {
      if (file.endsWith(".rlib") && !file.startsWith("libsysroot"))
        cpSync(join(built, file), join(target, "lib", file));
    }
    writeFileSync(marker, version);
    rmSync(work, { recursive: true, force: true });
  });
}

function requireRoot(what, command) {
  if (!isRoot) throw new Failure(`root is needed to ${what}\n  run: sudo ${command}`);
}

const aptInstalled = (name) =>
  output("dpkg", ["-s", name])?.includes("Status: install ok installed") ?? false;

async function aptInstall(what, packages) {
  const missing = packages.filter((name) => !aptInstalled(name));
  if (missing.length === 0) return;
  requireRoot(`install ${what}`, `apt-get install --no-install-recommends ${missing.join(" ")}`);
  await step(`${what}: apt-get install ${missing.join(" ")}`, async () => {
    const quiet = {
      env: { DEBIAN_FRONTEND: "noninteractive" },
      fix: "check the network connection and apt's sources",
    };
    await run("apt-get", ["update", "-qq"], quiet);
    await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...missing], quiet);
  });
}

const canApt = () => existsSync("/usr/bin/apt-get") && isRoot;

/** The command line of wasm-bindgen, which must be exactly the version of the crate in Cargo.lock. */
export async function wasmBindgen() {
  const version = readFileSync(at("Cargo.lock"), "utf8").match(
    /name = "wasm-bindgen"\nversion = "([^"]+)"/,
  )?.[1];
  if (!version) throw new Failure("Cargo.lock names no wasm-bindgen: run `cargo generate-lockfile`");
  if (
    output("wasm-bindgen", ["--version"])?.endsWith(` ${version}`) &&
    output("wasm-bindgen-test-runner", ["--version"])
  )
    return;
  await cargoTool(`wasm-bindgen ${version}`, [
    ...["wasm-bindgen-cli", "--version", `=${version}`, "--no-default-features", "--force"],
    ...["--bin", "wasm-bindgen", "--bin", "wasm-bindgen-test-runner"],
  ]);
}

export async function wasmPack() {
  if (output("wasm-pack", ["--version"])?.endsWith(` ${WASM_PACK_VERSION}`)) return;
  await cargoTool(`wasm-pack ${WASM_PACK_VERSION}`, [
    "wasm-pack",
    "--version",
    `=${WASM_PACK_VERSION}`,
    "--locked",
    "--force",
  ]);
}

const cargoTool = (title, args) =>
  step(`${title} (one to two minutes, once)`, () =>
    run("cargo", ["install", ...args, "--root", cache("tools")], {
      env: {
        CARGO_TARGET_DIR: cache("tools-build"),
        CARGO_PROFILE_RELEASE_OPT_LEVEL: "1",
        CARGO_PROFILE_RELEASE_LTO: "off",
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS: "16",
      },
      fix: "check the network connection, and that Rust is current: rustup update",
    }),
  );

const chromePlaces = {
  linux: [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/usr/bin/google-chrome-stable",
  ],
  darwin: [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
  ],
  win32: [
    "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
    "C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe",
  ],
};

const chromeAdvice = {
  linux: "sudo apt-get install chromium chromium-driver",
  darwin: "brew install --cask google-chrome chromedriver",
  win32: "winget install Google.Chrome Chromium.ChromeDriver",
};

/** Paths of the browser and of its driver. */
export async function browser() {
  const find = () => ({
    chrome: [process.env.CHROME_PATH, ...(chromePlaces[process.platform] ?? [])].find(
      (path) => path && existsSync(path),
    ),
    driver: process.env.CHROMEDRIVER ?? (output("chromedriver", ["--version"]) && "chromedriver"),
  });
  if ((!find().chrome || !find().driver) && canApt())
    await aptInstall("a browser for the tests", ["chromium", "chromium-driver"]);
  const { chrome, driver } = find();
  if (chrome && driver) return { chrome, driver };
  throw new Failure(
    `${chrome ? "chromedriver" : "Chrome or Chromium"} is missing, which the tests drive\n` +
      `  run: ${chromeAdvice[process.platform] ?? "install both"}, or set CHROME_PATH and CHROMEDRIVER`,
  );
}

const LAVAPIPE = "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json";

/** Environment that gives native tests a Vulkan device without a GPU, and what to say about it. */
export async function vulkan() {
  if (process.platform !== "linux") return { env: {}, note: "on this machine's own GPU" };
  if (process.env.VK_DRIVER_FILES) return { env: {}, note: `on ${process.env.VK_DRIVER_FILES}` };
  if (!existsSync(LAVAPIPE) && canApt())
    await aptInstall("a software Vulkan device", ["mesa-vulkan-drivers", "libvulkan1"]);
  // Without a desktop session the loader would complain at every start.
  const XDG_RUNTIME_DIR = process.env.XDG_RUNTIME_DIR ?? tmpdir();
  if (existsSync(LAVAPIPE))
    return { env: { VK_DRIVER_FILES: LAVAPIPE, XDG_RUNTIME_DIR }, note: "on lavapipe" };
  return {
    env: {},
    note: "on this machine's own GPU; for a software one: apt-get install mesa-vulkan-drivers libvulkan1",
  };
}

const SWIFTSHADER = ["/usr/lib/chromium", "/opt/google/chrome"].map((folder) =>
  join(folder, "vk_swiftshader_icd.json"),
);

/** Environment that gives native tests the browser's software Vulkan device; nothing where there is none. */
export async function swiftshader() {
  await browser();
  const driver = SWIFTSHADER.find(existsSync);
  return driver && { VK_DRIVER_FILES: driver, XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? tmpdir() };
}

const NVRTC = "nvidia-cuda-nvrtc-cu12";
const NVRTC_VERSION = "12.9.86";

/** Environment in which tests find CUDA's compiler, and what to say about it; fetched where pip is (90 MB, once). */
export async function nvrtc() {
  if (process.platform !== "linux" || process.arch !== "x64")
    return { env: {}, note: "NVRTC as it is found" };
  const given = process.env.PLAYGRAD_NVRTC;
  if (given) return { env: {}, note: `NVRTC ${given}` };
  const folder = cache(`nvrtc-${NVRTC_VERSION}`);
  const library = join(folder, "nvidia", "cuda_nvrtc", "lib", "libnvrtc.so.12");
  if (!existsSync(library)) {
    if (!output("python3", ["-m", "pip", "--version"]))
      return { env: {}, note: "NVRTC as it is found; python3 with pip would fetch it" };
    const wheel = [`${NVRTC}==${NVRTC_VERSION}`, "--no-deps", "--only-binary=:all:", "--target", folder];
    const fetched = step(`${NVRTC} ${NVRTC_VERSION} (90 MB)`, () =>
      run("python3", ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...wheel]),
    );
    const failed = await fetched.then(
      () => false,
      () => true,
    );
    if (failed) return { env: {}, note: "NVRTC as it is found; fetching it failed" };
  }
  return { env: { PLAYGRAD_NVRTC: library }, note: `NVRTC ${NVRTC_VERSION}` };
}
