import { engine } from "./engine.js";
import { idsOf, make } from "./handle.js";
import type { Tensor } from "./tensor.js";

/** Named tensors as a safetensors file: `saveSafetensors(nn.stateDict(model))`. Computes what is not computed yet. */
export async function saveSafetensors(tensors: Record<string, Tensor>): Promise<Uint8Array<ArrayBuffer>> {
  const names = Object.keys(tensors);
  const ids = idsOf("saveSafetensors", Object.values(tensors));
  return await engine().saveSafetensors(names, ids);
}

/** The named tensors of a safetensors file. Damaged files and unknown element types throw `DataError`. */
export function loadSafetensors(file: ArrayBuffer | Uint8Array): Record<string, Tensor> {
  const bytes = file instanceof Uint8Array ? file : new Uint8Array(file);
  const [names, ids] = engine().loadSafetensors(bytes) as [string[], Uint32Array];
  return Object.fromEntries(names.map((name, i) => [name, make(ids[i]!)]));
}
