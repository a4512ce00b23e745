import { setSources } from "./engine.js";
import { base64 } from "./inline-wasm.js";

setSources(() => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)));

export * from "./api.js";
