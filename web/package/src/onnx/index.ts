/** Trained models of other libraries: ONNX files. */
import { bytesOf, type DType } from "../dtype.js";
import { engine, type WasmSource } from "../engine.js";
import { ArgumentError, DataError, DTypeError } from "../errors.js";
import { idOf, make, makeAll } from "../handle.js";
import { ask, startReader } from "../reader.js";
import type { Tensor } from "../tensor.js";

export { type Saved, type SaveOptions, save } from "./save.js";

/** An address, what `fetch` gave, a file, or bytes. */
export type ModelSource = string | URL | Response | Promise<Response> | Blob | ArrayBuffer | Uint8Array;

/** An input or output of a model. */
export interface Port {
  name: string;
  dtype: DType;
  /** A size, a name that stands for one wherever it appears, or null for any; null where nothing is said. */
  shape: (number | string | null)[] | null;
}

export interface LoadOptions {
  /** Weights that lie in files beside the model, by the names it gives them; those beside an address are fetched. */
  files?: Record<string, ModelSource>;
  /** Where `playgrad/reader.wasm` lies, where the package cannot find it. */
  wasm?: WasmSource;
}

/** By name, or in the model's order. */
export type Inputs = readonly Tensor[] | readonly [Record<string, Tensor>];

/** A trained model: a function of tensors, made of ordinary lazy tensors, so that gradients flow. */
export interface Model<Out = Tensor> {
  /**
   * The only output, or an array of all. Inputs come by name or in order. `int64` and `float64` become `int32` and
   * `float32`. Throws `ShapeError` and `DTypeError` for inputs that are not as declared, and `DataError` where a value
   * decides a shape and has to be read: `run` does that.
   */
  (...inputs: Inputs): Out;
  /** The same; a layer of `nn.Sequential` may be a model. */
  forward(...inputs: Inputs): Out;
  /** The same, reading values back that decide shapes. */
  run(...inputs: Inputs): Promise<Out>;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly opset: number;
  /** How many nodes of each operator there are. */
  readonly operators: Record<string, number>;
  /** Weights, and statistics of batch normalization (which take no gradient), by name: what an optimizer trains. */
  readonly weights: Record<string, Tensor>;
  /** Whether a shape depends on values, so that only `run` computes it. @internal */
  waits(...inputs: Inputs): boolean;
  /** Gives the model back; what it computed stays valid. */
  dispose(): void;
}

interface Kind {
  dtype: DType;
  shape: number[];
}

interface Opened {
  model: number;
  inputs: (Port & { held: DType })[];
  outputs: Port[];
  opset: number;
  operators: Record<string, number>;
  tensors: (Kind & { name: string; weight: boolean; trained: boolean })[];
}

interface Traced {
  constants: Kind[];
  wanted: number | null;
  why: string | null;
}

interface Known extends Kind {
  value: number;
  bytes: Uint8Array;
}

interface Program {
  graph: Uint8Array;
  constants: Tensor[];
  wanted: number | null;
  why: string | null;
}

const OP = "onnx";
/** Programs of a model that are kept: one for each set of shapes. */
const MOST_PROGRAMS = 64;

const closed = new FinalizationRegistry<number>((model) => void ask({ do: "close", model }));

async function bytesOfSource(from: ModelSource): Promise<Uint8Array> {
  if (from instanceof Uint8Array) return from;
  if (from instanceof ArrayBuffer) return new Uint8Array(from);
  const found = typeof from === "string" || from instanceof URL ? await fetched(from) : await from;
  if (found instanceof Blob || found instanceof Response) {
    if (found instanceof Response && !found.ok)
      throw new DataError("onnx.load", `${found.url}: ${found.status}`, "a model", "check the address");
    return new Uint8Array(await found.arrayBuffer());
  }
  const got = found === null ? "null" : typeof found;
  throw new ArgumentError("onnx.load", got, "an address, a Response, a File or bytes", "give one of these");
}

function fetched(from: string | URL): Promise<Response> {
  return fetch(from).catch((error: unknown) => {
    const got = error instanceof Error ? error.message : String(error);
    throw new DataError("onnx.load", `${from}: ${got}`, "a file that can be fetched", "check the address");
  });
}

/** Where files beside a model lie. */
async function baseOf(from: ModelSource): Promise<string | undefined> {
  const found = await from;
  if (typeof found === "string" || found instanceof URL)
    return new URL(found, globalThis.location?.href ?? "file:///").href;
  return found instanceof Response ? found.url || undefined : undefined;
}

/**
 * Reads a model, opset 7 to 22. Its weights become tensors. Throws `DataError` for a damaged file, and one
 * `ArgumentError` that names every operator that is not supported, with its nodes.
 *
 * ```js
 * const model = await onnx.load("mnist.onnx");
 * const digits = model(tensor(pixels).reshape([1, 1, 28, 28])).argmax(1);
 * ```
 */
export async function load<Out = Tensor>(
  from: ModelSource,
  { files = {}, wasm }: LoadOptions = {},
): Promise<Model<Out>> {
  await startReader(wasm);
  const base = await baseOf(from);
  const bytes = await bytesOfSource(from);
  const beside: [string, Uint8Array][] = [];
  for (const name of filesBeside(bytes)) {
    const given = Object.hasOwn(files, name) ? files[name] : base && new URL(name, base);
    if (given) beside.push([name, await bytesOfSource(given)]);
  }
  return open(bytes, beside);
}

/** The files beside a model that hold its weights. @internal */
export const filesBeside = (bytes: Uint8Array): string[] =>
  ask<{ files: string[] }>({ do: "files" }, [bytes]).fields.files;

/** As `load`, of bytes, where the module is loaded. @internal */
export function open<Out>(bytes: Uint8Array, beside: readonly [string, Uint8Array][]): Model<Out> {
  const names = beside.map(([name]) => name);
  const parts = [bytes, ...beside.map(([, part]) => part)];
  return modelOf(ask<Opened>({ do: "open", files: names }, parts).fields);
}

const tensorOf = ({ dtype, shape }: Kind, bytes: Uint8Array, trained?: boolean): Tensor =>
  make(engine().fromBytes(bytes, dtype, Int32Array.from(shape), trained));

function modelOf<Out>(opened: Opened): Model<Out> {
  const { model, inputs, outputs, opset, operators, tensors } = opened;
  const weights: Record<string, Tensor> = {};
  const tables: Record<string, Tensor> = {};
  tensors.forEach((kind, i) => {
    const { parts } = ask({ do: "take", model, tensor: i });
    const made = tensorOf(kind, parts[0]!, kind.weight ? kind.trained : undefined);
    (kind.weight ? weights : tables)[kind.name] = made;
  });
  const programs = new Map<string, Program>();

  const trace = (given: Tensor[], known: Known[]): Program => {
    const shapes = given.map((x) => x.shape);
    const key = JSON.stringify([shapes, known.map(({ value, bytes }) => [value, [...bytes]])]);
    const found = programs.get(key);
    if (found) return found;
    const kinds = known.map(({ value, dtype, shape }) => ({ value, dtype, shape }));
    const bytes = known.map((one) => one.bytes);
    const { fields, parts } = ask<Traced>({ do: "trace", model, shapes, known: kinds }, bytes);
    const constants = fields.constants.map((kind, i) => tensorOf(kind, parts[i + 1]!, floating(kind.dtype)));
    const program = { graph: parts[0]!, constants, wanted: fields.wanted, why: fields.why };
    if (programs.size >= MOST_PROGRAMS) programs.delete(programs.keys().next().value!);
    programs.set(key, program);
    return program;
  };

  const build = (program: Program, given: Tensor[]): Tensor[] => {
    const stored = tensors.map(({ name, weight }) => (weight ? weights : tables)[name]!);
    const leaves = [...given, ...stored, ...program.constants];
    return makeAll(
      engine().readGraph(
        program.graph,
        Uint32Array.from(leaves, (t) => idOf(OP, t)),
      ),
    );
  };

  const only = (made: Tensor[]): Out => (made.length === 1 ? made[0] : made) as Out;

  const forward = (...args: Inputs): Out => {
    const given = matched(inputs, args);
    const program = trace(given, []);
    if (program.wanted === null) return only(build(program, given));
    const got = "a shape that depends on values";
    throw new DataError(program.why ?? OP, got, "shapes known beforehand", "await model.run(…)");
  };

  const run = async (...args: Inputs): Promise<Out> => {
    const given = matched(inputs, args);
    const known: Known[] = [];
    for (;;) {
      const program = trace(given, known);
      const made = build(program, given);
      if (program.wanted === null) return only(made);
      const [x] = made as [Tensor];
      const bytes = bytesOf(await x.data());
      known.push({ value: program.wanted, dtype: x.dtype, shape: x.shape, bytes: bytes.slice() });
    }
  };

  const waits = (...args: Inputs): boolean => trace(matched(inputs, args), []).wanted !== null;

  const dispose = () => {
    closed.unregister(result);
    ask({ do: "close", model });
  };
  const plain = inputs.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  const result = Object.assign((...args: Inputs) => forward(...args), {
    inputs: plain,
    outputs,
    opset,
    operators,
    weights,
    forward,
    run,
    waits,
    dispose,
  });
  closed.register(result, model, result);
  return result;
}

/** Constants of a model take no gradient. */
const floating = (dtype: DType): false | undefined => (dtype.includes("float") ? false : undefined);

const isTensor = (value: unknown): value is Tensor =>
  typeof value === "object" && value !== null && "requiresGrad" in value;

/** The inputs in the model's order and its dtypes. */
function matched(ports: Opened["inputs"], args: readonly unknown[]): Tensor[] {
  const names = ports.map(({ name }) => name).join(", ");
  const [first] = args;
  let given = args as readonly Tensor[];
  if (args.length === 1 && !isTensor(first) && typeof first === "object" && first !== null) {
    const named = first as Record<string, Tensor>;
    const unknown = Object.keys(named).find((name) => ports.every((port) => port.name !== name));
    if (unknown !== undefined)
      throw new ArgumentError(OP, `the input "${unknown}"`, names, "name the model's inputs");
    given = ports.map(({ name }) => {
      if (Object.hasOwn(named, name)) return named[name]!;
      throw new ArgumentError(OP, `no input "${name}"`, names, "give every input");
    });
  }
  if (given.length !== ports.length)
    throw new ArgumentError(OP, `${given.length} inputs`, `${ports.length}: ${names}`, "give every input");
  return ports.map(({ name, dtype, held }, i) => {
    const op = `onnx input "${name}"`;
    const x = given[i]!;
    idOf(op, x);
    const fits = x.dtype === dtype || x.dtype === held || (whole(x.dtype) && whole(dtype));
    if (!fits) throw new DTypeError(op, x.dtype, dtype, `cast the tensor: x.cast("${held}")`);
    return x.dtype === held ? x : x.cast(held);
  });
}

const whole = (dtype: DType): boolean => dtype.includes("int");
