import { bytesOf, type DType } from "../dtype.js";
import { engine, type WasmSource } from "../engine.js";
import { ArgumentError } from "../errors.js";
import { idOf, idsOf, make, makeAll } from "../handle.js";
import { stateDict } from "../nn.js";
import { ask, startReader } from "../reader.js";
import { Tensor } from "../tensor.js";

export interface SaveOptions {
  /** The inputs' names: `x0`, `x1`, … without it. */
  inputs?: readonly string[];
  /** The outputs' names, where the model gives no object of them: `y0`, `y1`, … without it. */
  outputs?: readonly string[];
  /** Leaves the size of the first axis, of all inputs and outputs, open: the model is asked for two numbers of examples. */
  batch?: boolean;
  /** Where `playgrad/reader.wasm` lies, where the package cannot find it. */
  wasm?: WasmSource;
}

type Outputs = Tensor | readonly Tensor[] | Record<string, Tensor>;
/** A layer, a model, or a function of tensors. */
export type Saved = { forward(...inputs: Tensor[]): Outputs } | ((...inputs: Tensor[]) => Outputs);

/** @internal */
export type Named = [name: string, what: { dtype: DType; shape: number[] }];

const OP = "onnx.save";

/**
 * A model as an ONNX file, opset 18: what it computes of inputs of these shapes, with `Tensor.training` off. Weights
 * keep their names in `nn.stateDict(model)`; other tensors that it reads become constants. Throws `ArgumentError` for
 * what ONNX has no operator for.
 *
 * ```js
 * const file = await onnx.save(model, [images], { batch: true });
 * ```
 */
export async function save(
  model: Saved,
  examples: readonly Tensor[],
  { inputs, outputs, batch = false, wasm }: SaveOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  await startReader(wasm);
  const given = await Promise.all([...idsOf(OP, examples)].map((id) => copied(make(engine().alias(id)))));
  const weights = distinct(stateDict(model));
  Tensor.realize(...weights.map(([, tensor]) => tensor));
  const longer = (set: Tensor[]) => set.map((x) => Tensor.cat([x, x.slice([0, 1])], 0).realize());
  const one = batch ? longer(given) : given;
  const sets = batch ? [one, longer(one)] : [one];
  const runs = sets.map((set) => traced(model, set, weights, outputs));
  const [first] = runs as [Run];
  const constants = makeAll(first.rest).map((tensor, i): [string, Tensor] => [`constant_${i}`, tensor]);
  const stored = [...weights, ...constants];
  const values: Uint8Array[] = [];
  for (const [, tensor] of stored) values.push(bytesOf(await tensor.data()).slice());
  const names = sets.map((set) => set.map((x, i): Named => [inputs?.[i] ?? `x${i}`, x]));
  return written(
    runs.map((run) => run.graph),
    names,
    first.names,
    stored,
    values,
  );
}

interface Run {
  graph: Uint8Array;
  /** Tensors it reads that are neither inputs nor weights. */
  rest: Uint32Array;
  names: string[];
}

function traced(model: Saved, given: Tensor[], weights: [string, Tensor][], names?: readonly string[]): Run {
  const made = outputsOf(evaluated(model, given), names);
  const ids = (list: readonly Tensor[]) => Uint32Array.from(list, (t) => idOf(OP, t));
  const leaves = [...given, ...weights.map(([, tensor]) => tensor)];
  const [graph, rest] = engine().writeGraph(ids(made.map(([, tensor]) => tensor)), ids(leaves)) as [
    Uint8Array,
    Uint32Array,
  ];
  return { graph, rest, names: made.map(([name]) => name) };
}

/** The file of written graphs, of one batch size or two, over inputs and stored tensors. @internal */
export function written(
  graphs: readonly Uint8Array[],
  inputs: readonly Named[][],
  outputs: readonly string[],
  stored: readonly Named[],
  values: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const kind = ([name, { dtype, shape }]: Named) => ({ name, dtype, shape });
  const request = {
    do: "export",
    inputs: inputs.map((set) => set.map(kind)),
    outputs,
    weights: stored.map(kind),
  };
  return ask(request, [...graphs, ...values]).parts[0]!;
}

/** An input of the file must be data, whatever the example was computed from. */
async function copied(x: Tensor): Promise<Tensor> {
  const bytes = bytesOf(await x.data()).slice();
  return make(engine().fromBytes(bytes, x.dtype, Int32Array.from(x.shape)));
}

function distinct(state: Record<string, Tensor>): [string, Tensor][] {
  const seen = new Set<Tensor>();
  return Object.entries(state).filter(([, tensor]) => !seen.has(tensor) && seen.add(tensor));
}

function evaluated(model: Saved, inputs: Tensor[]): Outputs {
  const { training } = Tensor;
  Tensor.training = false;
  try {
    return typeof model === "function" ? model(...inputs) : model.forward(...inputs);
  } finally {
    Tensor.training = training;
  }
}

function outputsOf(made: Outputs, names: readonly string[] | undefined): [string, Tensor][] {
  const list = made instanceof Tensor ? [made] : made;
  if (Array.isArray(list)) {
    return list.map((tensor: Tensor, i) => {
      idOf(OP, tensor);
      return [names?.[i] ?? `y${i}`, tensor];
    });
  }
  if (typeof list === "object" && list !== null) return Object.entries(list as Record<string, Tensor>);
  throw new ArgumentError(OP, `${typeof list} from the model`, "tensors", "return the outputs");
}
