import { setDefaultSource } from "./engine.js";

setDefaultSource(() => new URL("../wasm/playgrad_bg.wasm", import.meta.url));

export * from "./api.js";
