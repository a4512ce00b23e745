/** ONNX for a face in another language: models go by number, tensors as handles. */
import { engine } from "../engine.js";
import { idOf, make } from "../handle.js";
import type { Tensor } from "../tensor.js";
import { type Model, open } from "./index.js";
import { type Named, written } from "./save.js";

const models = new Map<number, Model<Tensor | Tensor[]>>();
let last = 0;

const handles = (made: Tensor | readonly Tensor[]): number[] =>
  [made].flat().map((tensor) => engine().alias(idOf("onnx", tensor)));

const kindOf = (name: string, id: number): Named => [
  name,
  { dtype: engine().dtype(id) as Named[1]["dtype"], shape: [...engine().shape(id)] },
];

/** Functions of the bridge's `ask`; a promise only where values have to be waited for. @internal */
export const onnxFunctions: Record<string, (...args: never[]) => unknown> = {
  /** Its number, and what it is as JSON; the second module has to be loaded. */
  onnxOpen(bytes: Uint8Array, names: string[], ...files: Uint8Array[]) {
    const model = open<Tensor | Tensor[]>(
      bytes,
      names.map((name, i) => [name, files[i]!]),
    );
    last += 1;
    models.set(last, model);
    const { inputs, outputs, opset, operators } = model;
    return [last, JSON.stringify({ inputs, outputs, opset, operators })];
  },

  onnxWeights(model: number) {
    const { weights } = models.get(model)!;
    return [Object.keys(weights), handles(Object.values(weights))];
  },

  onnxRun(model: number, ids: number[]) {
    const run = models.get(model)!;
    const inputs = [...ids].map((id) => make(engine().alias(id)));
    return run.waits(...inputs) ? run.run(...inputs).then(handles) : handles(run(...inputs));
  },

  onnxClose(model: number) {
    models.get(model)?.dispose();
    models.delete(model);
  },

  /** The file of a model; `runs` are handles of inputs and of outputs for each batch size. */
  onnxSave(inputs: string[], outputs: string[], weights: string[], weightIds: number[], ...runs: number[][]) {
    const graphs: Uint8Array[] = [];
    const sets: Named[][] = [];
    let rest = new Uint32Array();
    for (let i = runs.length - 2; i >= 0; i -= 2) {
      const [given, made] = [runs[i]!, runs[i + 1]!];
      const leaves = Uint32Array.from([...given, ...weightIds]);
      const [graph, more] = engine().writeGraph(Uint32Array.from(made), leaves) as [Uint8Array, typeof rest];
      graphs.unshift(graph);
      sets.unshift(inputs.map((name, at) => kindOf(name, given[at]!)));
      if (i > 0) engine().release(more);
      else rest = more;
    }
    const ids = [...weightIds, ...rest];
    const names = [...weights, ...Array.from(rest, (_, i) => `constant_${i}`)];
    const stored = names.map((name, i) => kindOf(name, ids[i]!));
    const finish = (values: ArrayBufferView[]) => {
      const bytes = values.map((v) => new Uint8Array(v.buffer, v.byteOffset, v.byteLength));
      engine().release(rest);
      return written(graphs, sets, outputs, stored, bytes);
    };
    const values = ids.map((id) => engine().read(id) as ArrayBufferView | Promise<ArrayBufferView>);
    const waits = values.some((value) => value instanceof Promise);
    return waits ? Promise.all(values).then(finish) : finish(values as ArrayBufferView[]);
  },
};
