// CartPole: with the same seed, Python's carts move as JavaScript's do.
import assert from "node:assert/strict";
import { test } from "node:test";
import { manualSeed, Tensor } from "playgrad";
import { CartPole } from "playgrad/cartpole";
import { python } from "../node.mjs";

const py = await python();

test("a hundred steps of five carts are JavaScript's", async () => {
  const ours = py
    .runPython(`
from cartpole import CartPole
from tinygrad import Tensor
Tensor.manual_seed(9)
world = CartPole(5)
ends = [world.step(Tensor.rand(5) < 0.5).tolist() for _ in range(100)]
[ends, world.state.tolist(), world.returns.tolist(), [list(shape) for shape in world.shapes(2)]]`)
    .toJs();
  manualSeed(9);
  const world = new CartPole(5);
  const ends = [];
  for (let i = 0; i < 100; i++) ends.push(await world.step(Tensor.rand(5).lt(0.5)).tolist());
  const theirs = [ends, await world.state.tolist(), await world.returns.tolist(), await world.shapes(2)];
  assert.ok(ends.flat().includes(1), "some fall");
  assert.deepEqual(ours, theirs);
});
