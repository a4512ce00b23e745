import { nn, optim, Tensor } from "playgrad";
import { CartPole } from "playgrad/cartpole";
import { plot, print, save, scene, steps } from "playground";

const carts = 100;
const world = new CartPole(carts);
const network = (outputs: number) =>
  new nn.Sequential(
    new nn.Linear(4, 64),
    (t) => t.tanh(),
    new nn.Linear(64, outputs),
  );
const actor = network(2); // which push is good
const critic = network(1); // how long it will go on
const parameters = nn.parameters([actor, critic]);
const optimizer = new optim.Adam(parameters, { lr: 0.01 });
const chances = (seen: Tensor) =>
  actor.forward(seen).logSoftmax(-1);
const worth = (seen: Tensor) => critic.forward(seen).squeeze(-1);
save({ actor, critic }); // their weights: Export menu

// One step of all carts: what they see, do, and how it ends.
function play(): Tensor {
  const seen = world.state.detach();
  const right = chances(seen).exp().slice(null, 1);
  const push = Tensor.rand(carts).lt(right).float();
  const done = Tensor.stack([push, world.step(push).float()], 1);
  return Tensor.cat([seen, done], 1).realize();
}

for await (const _ of steps(40)) {
  const rows = Array.from({ length: 32 }, play);
  const played = Tensor.stack(rows).detach().realize();
  const seen = played.slice(null, null, [0, 4]);
  const pushed = played.slice(null, null, [4, 5]).int();
  const end = played.slice(null, null, 5);

  // How much better did each step go than the critic thought?
  const now = worth(seen).detach();
  const last = worth(world.state).unsqueeze(0).detach();
  const next = Tensor.cat([now.slice([1, null]), last]);
  const alive = end.eq(0).float();
  const surprise = next.mul(alive).mul(0.99).add(1).sub(now);
  const known = surprise.mul(end.ne(2));
  const back = { reverse: true };
  const gain = Tensor.scan(alive.mul(0.94), known, 0, back);
  const better = gain.sub(gain.mean()).div(gain.std()).realize();
  const target = now.add(gain).realize();
  const chance = () =>
    chances(seen).gather(-1, pushed).squeeze(-1);
  const before = chance().detach().realize();
  for (let pass = 0; pass < 4; pass++) {
    const ratio = chance().sub(before).exp();
    const near = ratio.clip(0.8, 1.2);
    const won = ratio.mul(better).minimum(near.mul(better));
    const missed = worth(seen).sub(target).square();
    optimizer.zeroGrad();
    missed.mean().sub(won.mean()).backward();
    optimizer.step();
  }
  plot({ "mean return": world.returns.mean() });
  scene(await world.shapes(8), CartPole.view("learning"));
}

const exam = new CartPole(carts);
for await (const _ of steps(500)) {
  exam.step(chances(exam.state).argmax(1));
  scene(await exam.shapes(8), CartPole.view("100 new episodes"));
}
print("mean return over 100 episodes:", exam.returns.mean());
