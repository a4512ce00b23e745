import { engine, grew } from "./engine.js";
import { ArgumentError } from "./errors.js";
import { makeAll } from "./handle.js";
import { integer } from "./shape.js";
import { Tensor } from "./tensor.js";

/** What a step may take and return: tensors, numbers and other plain values, and arrays and objects of them. */
type Tree = unknown;

interface Captured {
  id: number;
  /** What the step returned, its tensors replaced by their places. */
  result: Tree;
  /** Which of those have one element. */
  single: boolean[];
}

const registry = new FinalizationRegistry<number>((id) => engine().jitRelease(id));

/** A step made fast by `jit`. */
export interface Step<A extends unknown[], R> {
  (...args: A): R;
  /**
   * `n` steps on the same arguments in one call, which returns when all are queued. Every returned tensor with one
   * element, such as the loss, comes back as `[n]`: its value in each step; all else as the last step returned it.
   */
  run(n: number, ...args: A): R;
}

/**
 * Makes a training step fast: the first call runs `step` as it is, the second runs and records it, later ones
 * replay the recording without calling `step` again. Other shapes or other plain values record anew. Give what
 * changes from call to call as tensor arguments; everything else the step reads, except weights and other assigned
 * tensors, is taken to stay as it was. What the step returns is computed.
 *
 * ```js
 * const step = jit((x, y) => { const loss = model.forward(x).mse(y); opt.zeroGrad(); loss.backward(); opt.step(); return loss; });
 * ```
 */
export function jit<A extends unknown[], R>(step: (...args: A) => R): Step<A, R> {
  const recorded = new Map<string, Captured>();
  let warm = false;
  const find = (args: A) => {
    const tensors: Tensor[] = [];
    let key = engine().training() ? "training" : "";
    for (const arg of args) key += `;${signature(arg, tensors)}`;
    const ids = new Uint32Array(tensors.length);
    for (let i = 0; i < ids.length; i += 1) ids[i] = tensors[i]!.id;
    return { key, found: recorded.get(key), ids };
  };
  const replayed = (...args: A): R => {
    const { key, found, ids } = find(args);
    if (found) {
      const made = makeAll(engine().jitReplay(found.id, ids));
      grew();
      return give(found.result, made) as R;
    }
    if (!warm) {
      warm = true;
      return step(...args);
    }
    const { result, captured } = record(step, args, ids);
    registry.register(replayed, captured.id);
    recorded.set(key, captured);
    return result;
  };
  const run = (n: number, ...args: A): R => {
    integer("run", "n", n, 1);
    const parts: Tensor[][] = [];
    let result: Tree;
    let single: boolean[] = [];
    let { found, ids } = find(args);
    for (; !found && parts.length < n; { found, ids } = find(args)) {
      const tensors: Tensor[] = [];
      result = take(replayed(...args), tensors);
      single = tensors.map((t) => t.numel === 1);
      parts.push(tensors);
    }
    const left = n - parts.length;
    if (found && left > 0) {
      ({ result, single } = found);
      const made = makeAll(engine().jitRun(found.id, ids, left));
      grew();
      parts.push(made.map((t, i) => (single[i] ? t.reshape(-1).expand(left) : t)));
    }
    const joined = parts[parts.length - 1]!.map((last, i) =>
      single[i] ? Tensor.cat(parts.map((part) => part[i]!.reshape(-1))) : last,
    );
    return give(result, joined) as R;
  };
  return Object.assign(replayed, { run });
}

/** What a recording depends on: shapes and types of the tensors, which are gathered, and all other values. */
function signature(tree: Tree, tensors: Tensor[]): string {
  if (tree instanceof Tensor) {
    tensors.push(tree);
    return String(tree);
  }
  if (Array.isArray(tree)) return `[${tree.map((inner) => signature(inner, tensors)).join()}]`;
  if (typeof tree === "string") return JSON.stringify(tree);
  if (typeof tree !== "object" || tree === null) return String(tree);
  return `{${Object.entries(tree).map(([key, inner]) => `${JSON.stringify(key)}:${signature(inner, tensors)}`)}}`;
}

function record<A extends unknown[], R>(step: (...args: A) => R, args: A, ids: Uint32Array) {
  engine().jitBegin(ids);
  try {
    const result = step(...args);
    if (result instanceof Promise) {
      throw new ArgumentError(
        "jit",
        "an async function",
        "a function that returns at once",
        "read values outside the step",
      );
    }
    const tensors: Tensor[] = [];
    const places = take(result, tensors);
    const id = engine().jitEnd(
      ids,
      Uint32Array.from(tensors, (t) => t.id),
    );
    return { result, captured: { id, result: places, single: tensors.map((t) => t.numel === 1) } };
  } catch (error) {
    engine().jitAbandon();
    throw error;
  }
}

class Place {
  constructor(readonly index: number) {}
}

/** The tree with its tensors moved into `tensors` and places in their stead. */
function take(tree: Tree, tensors: Tensor[]): Tree {
  if (tree instanceof Tensor) return new Place(tensors.push(tree) - 1);
  if (Array.isArray(tree)) return tree.map((inner) => take(inner, tensors));
  if (typeof tree !== "object" || tree === null) return tree;
  return Object.fromEntries(Object.entries(tree).map(([key, inner]) => [key, take(inner, tensors)]));
}

/** The tree with tensors in their places. */
function give(tree: Tree, tensors: Tensor[]): Tree {
  if (tree instanceof Place) return tensors[tree.index];
  if (Array.isArray(tree)) return tree.map((inner) => give(inner, tensors));
  if (typeof tree !== "object" || tree === null) return tree;
  return Object.fromEntries(Object.entries(tree).map(([key, inner]) => [key, give(inner, tensors)]));
}
