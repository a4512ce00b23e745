// Makes `import tinygrad` work in a Pyodide: registers the bridge to the engine and puts the Python files in place.

const HOME = "/lib/playgrad";

/** The JavaScript module `_playgrad`. */
export function bridgeModule(bridge, host = {}) {
  return {
    ...bridge,
    release: (...handles) => bridge.ask("release", handles),
    describe: (handle) => [bridge.ask("dtype", handle), ...bridge.ask("shape", handle)].join(" "),
    replay: (step, ...handles) => {
      const made = bridge.ask("jitReplay", step, handles);
      return made.length === 1 ? made[0] : made;
    },
    tick: () => undefined,
    stopped: () => false,
    ...host,
  };
}

export function placeFiles(pyodide, files) {
  for (const [path, content] of Object.entries(files)) {
    const to = `${HOME}/${path}`;
    pyodide.FS.mkdirTree(to.slice(0, to.lastIndexOf("/")));
    pyodide.FS.writeFile(to, content);
  }
}

export function install(pyodide, files, bridge, host) {
  pyodide.registerJsModule("_playgrad", bridgeModule(bridge, host));
  placeFiles(pyodide, files);
  pyodide.runPython(`import sys\nif "${HOME}" not in sys.path: sys.path.insert(0, "${HOME}")`);
}
