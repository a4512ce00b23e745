import { engine, grew } from "./engine.js";
import { ArgumentError } from "./errors.js";
import { makeAll } from "./handle.js";
import { Tensor } from "./tensor.js";

/** What a step may take and return: tensors, numbers and other plain values, and arrays and objects of them. */
type Tree = unknown;

interface Captured {
  id: number;
  /** What the step returned, its tensors replaced by their places. */
  result: Tree;
}

const registry = new FinalizationRegistry<number>((id) => engine().jitRelease(id));

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
export function jit<A extends unknown[], R>(step: (...args: A) => R): (...args: A) => R {
  const recorded = new Map<string, Captured>();
  let warm = false;
  const replayed = (...args: A): R => {
    const tensors: Tensor[] = [];
    const shape = JSON.stringify(take(args, tensors));
    const key = `${engine().training()} ${tensors.map(String).join()} ${shape}`;
    const ids = Uint32Array.from(tensors, (t) => t.id);
    const found = recorded.get(key);
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
  return replayed;
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
    return { result, captured: { id, result: places } };
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
