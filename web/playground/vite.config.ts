import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type HtmlTagDescriptor, type Plugin } from "vite";
import { lessons } from "./lessons";

/** The engine and the worker are asked for with the page itself, before any script has run. */
function preloadEngine(): Plugin {
  return {
    name: "preload-engine",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler(_html, { bundle, path }) {
        if (path !== "/index.html") return [];
        const files = Object.keys(bundle ?? {});
        const tags: HtmlTagDescriptor[] = files
          .filter((file) => /\/(app|worker)-[^/]*\.js$/.test(file))
          .map((file) => ({
            tag: "link",
            attrs: { rel: "modulepreload", href: `./${file}` },
            injectTo: "head",
          }));
        // As boot.ts chooses.
        const engine = (name: string) => files.find((file) => file.includes(`/${name}_bg-`));
        tags.push({
          tag: "script",
          children: `document.head.append(Object.assign(document.createElement("link"), {
  rel: "preload", as: "fetch", type: "application/wasm", crossOrigin: "",
  href: crossOriginIsolated && navigator.hardwareConcurrency > 1
    ? "./${engine("playgrad_threads")}" : "./${engine("playgrad")}" }));`,
          injectTo: "head",
        });
        return tags;
      },
    },
  };
}

/** TensorFlow.js starts its threads from the text of a function, which minifying would tear from its names. */
function keepThreadText(): Plugin {
  return {
    name: "keep-thread-text",
    apply: "build",
    transform(code, id) {
      if (!id.includes("tfjs-backend-wasm-threaded-simd.js")) return;
      const factory = code.slice(code.indexOf("function(Wasm"), code.indexOf("\n);\n})();"));
      return `${code}\nWasmBackendModuleThreadedSimd.toString = () => ${JSON.stringify(factory)};`;
    },
  };
}

const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export default defineConfig({
  base: "./",
  plugins: [svelte({ configFile: false }), lessons(), preloadEngine()],
  server: { headers: isolation },
  preview: { headers: isolation },
  worker: { format: "es", plugins: () => [keepThreadText()] },
  optimizeDeps: { exclude: ["playgrad"] },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ["index.html", "bench.html", "reference.html"] },
  },
  test: { include: ["test/**/*.test.ts"] },
} as Parameters<typeof defineConfig>[0]);
