import { type ExampleId, isExampleId } from "../examples/index";
import type { DeviceChoice, Language } from "../protocol";

/** A program in a link: JSON, deflate-raw, base64url, after #p= in the address. */

export interface Shared {
  /** Links without one are TypeScript. */
  language: Language;
  code: string;
  example: ExampleId;
  device: DeviceChoice;
  seed: number;
}

const marker = "#p=";
const longestCode = 1_000_000;

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}

export async function encodeShared(shared: Shared): Promise<string> {
  const { code, example, device, seed } = shared;
  const language = shared.language === "python" ? "python" : undefined;
  const json = new TextEncoder().encode(JSON.stringify({ v: 1, language, code, example, device, seed }));
  const packed = await through(json, new CompressionStream("deflate-raw"));
  let binary = "";
  for (const byte of packed) binary += String.fromCharCode(byte);
  return marker + btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

export function isShared(hash: string): boolean {
  return hash.startsWith(marker);
}

/** Null when the link is damaged. */
export async function decodeShared(hash: string): Promise<Shared | null> {
  try {
    const binary = atob(hash.slice(marker.length).replaceAll("-", "+").replaceAll("_", "/"));
    const packed = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const json = new TextDecoder().decode(await through(packed, new DecompressionStream("deflate-raw")));
    const { v, language, code, example, device, seed } = JSON.parse(json) as Record<string, unknown>;
    if (v !== 1 || typeof code !== "string" || code.length > longestCode) return null;
    return {
      language: language === "python" ? "python" : "typescript",
      code,
      example: isExampleId(example) ? example : "xor",
      device: device === "webgpu" || device === "cpu" ? device : "auto",
      seed: typeof seed === "number" && Number.isSafeInteger(seed) && seed >= 0 ? seed : 42,
    };
  } catch {
    return null;
  }
}
