// Python in Node: Pyodide with the Python files over the npm package.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { data, init } from "playgrad";
import { bridge } from "playgrad/bridge";
import { loadPyodide } from "pyodide";
import { install } from "./boot.mjs";

const here = import.meta.dirname;
const packages = readdirSync(here).filter((folder) => existsSync(join(here, folder, "__init__.py")));

/** The Python files by their paths, as `install` takes them. */
export function files() {
  const paths = packages.flatMap((folder) =>
    readdirSync(join(here, folder), { recursive: true }).map((path) => join(folder, path)),
  );
  const wanted = paths.filter((path) => /\.(py|json)$/.test(path));
  return Object.fromEntries(wanted.map((path) => [path, readFileSync(join(here, path))]));
}

/** What `nn.datasets.mnist()` gives: the files of a folder, or digits that are drawn. */
async function images(folder) {
  const drawn = () => ({ train: data.digits({ n: 2000 }), test: data.digits({ n: 500, seed: 1 }) });
  const { train, test } = folder === undefined ? drawn() : await data.mnist({ dir: folder });
  const tensors = [train.images, train.labels, test.images, test.labels];
  return () => tensors.map((tensor) => bridge.handle(tensor));
}

/** A Pyodide in which `import tinygrad` works. What Python prints goes to `write`; `mnist` is a folder with its files. */
export async function python({ device = "cpu", host, mnist, write = console.log } = {}) {
  const [pyodide] = await Promise.all([loadPyodide(), init({ device })]);
  // Here Python cannot wait: the second module is there beforehand.
  await bridge.ask("startReader");
  pyodide.setStdout({ batched: write });
  install(pyodide, files(), bridge, { mnist: await images(mnist), ...host });
  return pyodide;
}
