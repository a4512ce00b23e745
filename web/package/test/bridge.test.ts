import { beforeAll, expect, test } from "vitest";
import { rows, runs } from "../../../scripts/methods.mjs";
import { bridge } from "../dist/bridge.js";
import { init, type PlaygradError, tensor } from "../dist/index.js";

beforeAll(() => init({ device: "cpu" }));

const place = (name: string): number =>
  rows()
    .filter(runs)
    .findIndex((row) => row.name === name);
const NUMBER = 3;
const FLOAT = 8;

test("a call takes tagged numbers and gives a handle", async () => {
  const x = bridge.handle(tensor([1, 2, 3], { dtype: "int32" }));
  const whole = bridge.call(place("add"), x, NUMBER, 2);
  const real = bridge.call(place("add"), x, FLOAT, 2);
  expect(bridge.ask("dtype", whole)).toBe("int32");
  expect(bridge.ask("dtype", real)).toBe("float32");
  expect(await bridge.ask("read", whole)).toEqual(Int32Array.of(3, 4, 5));
});

test("what is no tensor lies in the result", () => {
  const x = bridge.handle(tensor([1, 2, 3, 4]));
  expect(bridge.call(place("split"), x, NUMBER, 2)).toBe(0);
  const parts = bridge.result() as number[];
  expect(parts.map((part) => [...(bridge.ask("shape", part) as Uint32Array)])).toEqual([[2], [2]]);
});

test("each owner gives its own handle back", async () => {
  const mine = tensor([1, 2]);
  const theirs = bridge.handle(mine);
  bridge.ask("release", [theirs]);
  expect(await mine.tolist()).toEqual([1, 2]);
  expect(() => bridge.tensor(theirs)).toThrow(/given back/);
});

test("a call without arguments outlives growing memory", () => {
  const x = bridge.handle(tensor([1, 2]));
  bridge.call(place("add"), x, NUMBER, 2);
  bridge.ask("fromBytes", new Uint8Array(64 << 20), "uint8", [64 << 20]);
  expect(bridge.ask("shape", bridge.call(place("neg"), x))).toEqual(Uint32Array.of(2));
});

test("a mistake says op, got, expected and fix", () => {
  const x = bridge.handle(tensor([1, 2, 3]));
  const y = bridge.handle(tensor([1, 2]));
  try {
    bridge.call(place("add"), x, 4, y);
    expect.unreachable();
  } catch (error) {
    const { op, got, expected, fix } = error as PlaygradError;
    expect([op, got, expected, fix].every((part) => part.length > 0)).toBe(true);
  }
});
