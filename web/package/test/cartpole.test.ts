import { beforeAll, describe, expect, test } from "vitest";
import { CartPole } from "../dist/cartpole/index.js";
import { init, manualSeed, Tensor, tensor } from "../dist/index.js";

/** The same equations in plain numbers, solved for both accelerations at once rather than one after the other. */
function after([x, v, angle, turning]: number[], push: number): number[] {
  const [m, l, g, dt] = [0.1, 0.5, 9.8, 0.02];
  const [sin, cos] = [Math.sin(angle!), Math.cos(angle!)];
  // (M + m)·a + m·l·cos·α = F + m·l·sin·ω², and cos·a + 4/3·l·α = g·sin
  const total = 1.1;
  const right = push + m * l * sin * turning! ** 2;
  const determinant = total * (4 / 3) * l - m * l * cos * cos;
  const a = ((4 / 3) * l * right - m * l * cos * g * sin) / determinant;
  const alpha = (total * g * sin - cos * right) / determinant;
  return [x! + dt * v!, v! + dt * a, angle! + dt * turning!, turning! + dt * alpha];
}

beforeAll(() => init({ device: "cpu" }));

describe("CartPole", () => {
  test("moves as the equations say", async () => {
    const world = new CartPole(3);
    const begin = [
      [0.1, -0.4, 0.05, 0.3],
      [-1, 0.5, -0.1, -0.7],
      [0, 0, 0, 0],
    ];
    world.state.assign(tensor(begin));
    const pushes = [0, 1, 1];
    expect(await world.step(tensor(pushes)).tolist()).toEqual([0, 0, 0]);
    const expected = begin.map((row, i) => after(row, pushes[i] === 1 ? 10 : -10));
    expect(await world.state.tolist()).toEqual(expected.map((row) => row.map((v) => expect.closeTo(v, 5))));
    expect(await world.age.tolist()).toEqual([1, 1, 1]);
  });

  test("begins anew off the track, over 12° and when time is up, and tells which", async () => {
    manualSeed(1);
    const world = new CartPole(4);
    world.state.assign(
      tensor([
        [2.41, 0, 0, 0],
        [0, 0, -0.22, 0],
        [0, 0, 0, 0],
        [2.3, 0, 0.2, 0],
      ]),
    );
    world.age.assign(tensor([6, 8, 499, 3]));
    expect(await world.step(Tensor.zeros(4)).tolist()).toEqual([1, 1, 2, 0]);
    expect(await world.returns.tolist()).toEqual([7, 9, 500, 0]);
    expect(await world.age.tolist()).toEqual([0, 0, 0, 4]);
    const fresh = await world.state.slice([0, 3]).abs().max().item();
    expect(fresh).toBeLessThanOrEqual(0.05);
  });

  test("gives its first carts as shapes", async () => {
    const world = new CartPole(2);
    world.state.assign(
      tensor([
        [1, 0, 0, 0],
        [0, 0, 0, 0],
      ]),
    );
    const [track, ...carts] = await world.shapes(2);
    expect(track?.slice(0, 5)).toEqual(["line", -2.4, 0, 2.4, 0]);
    expect(carts.map(([kind]) => kind)).toEqual(["rect", "line", "rect", "line"]);
    expect(carts[3]?.slice(1, 5)).toEqual([1, 0.2, 1, 1.2]);
  });
});
