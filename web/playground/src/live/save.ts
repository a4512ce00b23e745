import { nn, saveSafetensors, Tensor } from "playgrad";
import { post } from "../runner/port";
import { UsageError } from "../runner/usage";
import { ForeignModel } from "./model";

/** Models whose weights the page can save, by the name they have in its menu. */
const offered = new Map<string, object>();

/** Offers a model's weights to the Export menu, which saves them as they are when it is asked. */
export function save(model: object, name = "model"): void {
  if (model instanceof Tensor || Object.keys(weightsOf(model)).length === 0)
    throw new UsageError(
      "save",
      model instanceof Tensor ? "a tensor" : "a model without weights",
      "a module with layers, or tensors by name",
      "Pass the model itself, or an object that gives tensors names.",
    );
  offer(model, name);
}

/** What a panel shows; a function without weights is passed over. */
export function offer(model: object, name?: string): void {
  const [known] = [...offered].find(([, other]) => same(other, model)) ?? [];
  if (known !== undefined && (name === undefined || name === known)) return;
  if (Object.keys(weightsOf(model)).length === 0) return;
  if (known !== undefined) offered.delete(known);
  offered.set(name ?? unusedName(), model);
  post({ type: "models", names: [...offered.keys()] });
}

/** Sends the weights of an offered model as a safetensors file. */
export async function sendWeights(name: string): Promise<void> {
  const model = offered.get(name);
  if (!model) return;
  try {
    const weights = weightsOf(model);
    const file = await saveSafetensors(weights);
    const numbers = Object.values(weights).reduce((sum, { numel }) => sum + numel, 0);
    post({ type: "weights", name, file, tensors: Object.keys(weights).length, numbers }, [file.buffer]);
  } catch (error) {
    post({ type: "unsaved", name, reason: error instanceof Error ? error.message : String(error) });
  }
}

const weightsOf = (model: object): Record<string, Tensor> =>
  model instanceof ForeignModel ? model.weights() : nn.stateDict(model);

const same = (a: object, b: object) => (a instanceof ForeignModel ? a.is(b) : a === b);

function unusedName(): string {
  let name = "model";
  for (let i = 2; offered.has(name); i++) name = `model-${i}`;
  return name;
}
