import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type HtmlTagDescriptor, type Plugin } from "vite";

/** The engine and the worker are asked for with the page itself, before any script has run. */
function preloadEngine(): Plugin {
  return {
    name: "preload-engine",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler(_html, { bundle }) {
        const tags: HtmlTagDescriptor[] = [];
        for (const file of Object.keys(bundle ?? {})) {
          if (file.endsWith(".wasm"))
            tags.push({
              tag: "link",
              attrs: {
                rel: "preload",
                as: "fetch",
                type: "application/wasm",
                crossorigin: true,
                href: `./${file}`,
              },
              injectTo: "head",
            });
          else if (/\/(app|worker)-[^/]*\.js$/.test(file))
            tags.push({ tag: "link", attrs: { rel: "modulepreload", href: `./${file}` }, injectTo: "head" });
        }
        return tags;
      },
    },
  };
}

const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export default defineConfig({
  base: "./",
  plugins: [svelte({ configFile: false }), preloadEngine()],
  server: { headers: isolation },
  preview: { headers: isolation },
  worker: { format: "es" },
  optimizeDeps: { exclude: ["playgrad"] },
  build: { target: "es2022", modulePreload: { polyfill: false } },
  test: { include: ["test/**/*.test.ts"] },
} as Parameters<typeof defineConfig>[0]);
