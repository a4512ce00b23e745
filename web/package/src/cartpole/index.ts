/**
 * A cart that balances a pole, the world of Barto, Sutton and Anderson, “Neuronlike adaptive elements that can solve
 * difficult learning control problems” (1983): many of them side by side, each a row of a tensor.
 */

import { Tensor } from "../tensor.js";

const gravity = 9.8;
const poleMass = 0.1;
const mass = 1 + poleMass;
/** Metres from the hinge to the middle of the pole. */
const half = 0.5;
const force = 10;
/** Seconds in a step. */
const tick = 0.02;
const track = 2.4;
const tilt = (12 * Math.PI) / 180;
const longest = 500;

/** What a drawing of a world is made of; see `scene` of the playground. */
export type Drawn =
  | ["line", number, number, number, number, string, number]
  | ["rect", number, number, number, number, string];

/** `n` carts. Each begins anew when its episode ends: off the track, over 12°, or after 500 steps. */
export class CartPole {
  /** `[n, 4]`: place (m), speed (m/s), angle (rad, to the right), turning (rad/s). */
  readonly state: Tensor;
  /** `[n]`: steps of the episode so far. */
  readonly age: Tensor;
  /** `[n]`: the return (steps survived) of the last episode that ended; 0 before. */
  readonly returns: Tensor;

  constructor(n: number) {
    this.state = start(n).realize();
    this.age = Tensor.zeros(n).realize();
    this.returns = Tensor.zeros(n).realize();
  }

  /**
   * One step: `actions` `[n]` push left (0) or right (1). Gives how each episode stands after it, `[n]`: 0 goes
   * on, 1 failed, 2 out of time. The reward is 1 for every step.
   */
  step(actions: Tensor): Tensor {
    const [x, speed, angle, turning] = [0, 1, 2, 3].map((i) => this.state.slice(null, i)) as Four;
    const push = actions
      .float()
      .mul(2 * force)
      .sub(force);
    const [sin, cos] = [angle.sin(), angle.cos()];
    const shared = turning
      .square()
      .mul(sin)
      .mul(poleMass * half)
      .add(push)
      .div(mass);
    const inertia = cos
      .square()
      .mul(-poleMass / mass)
      .add(4 / 3)
      .mul(half);
    const turned = sin.mul(gravity).sub(cos.mul(shared)).div(inertia);
    const moved = shared.sub(turned.mul(cos).mul((poleMass * half) / mass));
    const next = Tensor.stack(
      [
        x.add(speed.mul(tick)),
        speed.add(moved.mul(tick)),
        angle.add(turning.mul(tick)),
        turning.add(turned.mul(tick)),
      ],
      1,
    );
    const age = this.age.add(1);
    const off = next.slice(null, 0).abs().gt(track);
    const fallen = off.bitwiseOr(next.slice(null, 2).abs().gt(tilt));
    const done = fallen.bitwiseOr(age.ge(longest));
    this.returns.assign(done.where(age, this.returns));
    this.state.assign(done.unsqueeze(1).where(start(age.numel), next));
    this.age.assign(done.where(0, age));
    const end = fallen.where(1, done.where(2, 0));
    Tensor.realize(this.state, this.age, this.returns, end);
    return end;
  }

  /** What a `scene` of that label has to show: the whole track, and a standing pole. */
  static view(label: string): { view: number[]; label: string } {
    return { view: [-2.6, 2.6, -0.4, 1.4], label };
  }

  /** The first carts as shapes of a `scene`. */
  async shapes(carts = 1): Promise<Drawn[]> {
    const values = await this.state.slice([0, carts]).data();
    const drawn: Drawn[] = [["line", -track, 0, track, 0, "ghost", 0.02]];
    for (let i = carts - 1; i >= 0; i -= 1) {
      const [x = 0, , angle = 0] = values.subarray(4 * i, 4 * i + 4);
      const colors = i === 0 ? (["text", "high"] as const) : (["ghost", "ghost"] as const);
      drawn.push(["rect", x - 0.25, 0.02, 0.5, 0.2, colors[0]]);
      const top = [x + 2 * half * Math.sin(angle), 0.2 + 2 * half * Math.cos(angle)] as const;
      drawn.push(["line", x, 0.2, ...top, colors[1], 0.06]);
    }
    return drawn;
  }
}

type Four = [Tensor, Tensor, Tensor, Tensor];

/** Near the middle, nearly upright: each number uniform between -0.05 and 0.05. */
const start = (n: number) => Tensor.uniform([n, 4], -0.05, 0.05);
