import { setSources } from "./engine.js";
import { setReader } from "./reader.js";

setSources(
  () => new URL("../wasm/playgrad_bg.wasm", import.meta.url),
  () => ({
    glue: new URL("../wasm/playgrad_threads.js", import.meta.url),
    wasm: new URL("../wasm/playgrad_threads_bg.wasm", import.meta.url),
  }),
);

setReader(() => new URL("../wasm/reader.wasm", import.meta.url));

export * from "./api.js";
