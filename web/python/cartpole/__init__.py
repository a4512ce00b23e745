"""A cart that balances a pole, the world of Barto, Sutton and Anderson, “Neuronlike adaptive elements that can solve
difficult learning control problems” (1983): many of them side by side, each a row of a tensor.
"""

import math

from tinygrad import Tensor

GRAVITY = 9.8
POLE_MASS = 0.1
MASS = 1 + POLE_MASS
HALF = 0.5  # metres from the hinge to the middle of the pole
FORCE = 10
TICK = 0.02  # seconds in a step
TRACK = 2.4
TILT = math.radians(12)
LONGEST = 500


def _start(n):
    """Near the middle, nearly upright: each number uniform between -0.05 and 0.05."""
    return Tensor.uniform(n, 4, low=-0.05, high=0.05)


class CartPole:
    """`n` carts. Each begins anew when its episode ends: off the track, over 12°, or after 500 steps.

    `state` `[n, 4]`: place (m), speed (m/s), angle (rad, to the right), turning (rad/s). `age` `[n]`: steps of the
    episode so far. `returns` `[n]`: the return (steps survived) of the last episode that ended; 0 before.
    """

    VIEW = -2.6, 2.6, -0.4, 1.4  # of a `scene`: lowest and highest x, lowest and highest y

    def __init__(self, n):
        self.state = _start(n).realize()
        self.age = Tensor.zeros(n).realize()
        self.returns = Tensor.zeros(n).realize()
        for kept in (self.state, self.age, self.returns):
            kept.requires_grad = False

    def step(self, actions):
        """One step: `actions` `[n]` push left (0) or right (1). Gives how each episode stands after it, `[n]`:
        0 goes on, 1 failed, 2 out of time. The reward is 1 for every step.
        """
        x, speed, angle, turning = (self.state[:, i] for i in range(4))
        push = actions.float() * (2 * FORCE) - FORCE
        sin, cos = angle.sin(), angle.cos()
        shared = (turning.square() * sin * (POLE_MASS * HALF) + push) / MASS
        inertia = (cos.square() * (-POLE_MASS / MASS) + 4 / 3) * HALF
        turned = (sin * GRAVITY - cos * shared) / inertia
        moved = shared - turned * cos * (POLE_MASS * HALF / MASS)
        after = (x + speed * TICK, speed + moved * TICK, angle + turning * TICK, turning + turned * TICK)
        following = Tensor.stack(*after, dim=1)
        age = self.age + 1
        failed = (following[:, 0].abs() > TRACK) | (following[:, 2].abs() > TILT)
        done = failed | (age >= LONGEST)
        self.returns.assign(done.where(age, self.returns))
        self.state.assign(done.unsqueeze(1).where(_start(age.numel()), following))
        self.age.assign(done.where(0, age))
        end = failed.where(1, done.where(2, 0))
        Tensor.realize(self.state, self.age, self.returns, end)
        return end

    def shapes(self, carts=1):
        """The first carts as shapes of a `scene` that shows `VIEW`."""
        drawn = [("line", -TRACK, 0, TRACK, 0, "ghost", 0.02)]
        for i, (x, _, angle, _) in reversed(list(enumerate(self.state[:carts].tolist()))):
            cart, pole = ("text", "high") if i == 0 else ("ghost", "ghost")
            drawn.append(("rect", x - 0.25, 0.02, 0.5, 0.2, cart))
            top = x + 2 * HALF * math.sin(angle), 0.2 + 2 * HALF * math.cos(angle)
            drawn.append(("line", x, 0.2, *top, pole, 0.06))
        return drawn
