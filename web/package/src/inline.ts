import { setDefaultSource } from "./engine.js";
import { base64 } from "./inline-wasm.js";

setDefaultSource(() => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)));

export * from "./api.js";
