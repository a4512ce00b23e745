from cartpole import CartPole
from tinygrad import Tensor, nn
from playground import plot, save, scene, steps

carts = 100
world = CartPole(carts)

def network(outputs):
    first, last = nn.Linear(4, 64), nn.Linear(64, outputs)
    return [first, Tensor.tanh, last]

actor = network(2)   # which push is good
critic = network(1)  # how long it will go on
parameters = nn.state.get_parameters([actor, critic])
opt = nn.optim.Adam(parameters, lr=0.01)
save({"actor": actor, "critic": critic})  # for the Export menu

def chances(seen):
    return seen.sequential(actor).log_softmax(-1)

def worth(seen):
    return seen.sequential(critic).squeeze(-1)

# One step of all carts: what they see, do, and how it ends.
def play():
    seen = world.state.detach()
    right = chances(seen).exp()[:, 1]
    push = (Tensor.rand(carts) < right).float()
    done = Tensor.stack(push, world.step(push).float(), dim=1)
    return seen.cat(done, dim=1).realize()

for _ in steps(40):
    rows = [play() for _ in range(32)]
    played = Tensor.stack(*rows).detach().realize()
    seen = played[:, :, :4]
    pushed = played[:, :, 4:5].int()
    end = played[:, :, 5]

    # How much better did each step go than the critic thought?
    now = worth(seen).detach()
    last = worth(world.state).unsqueeze(0).detach()
    following = now[1:].cat(last)
    alive = (end == 0).float()
    surprise = following * alive * 0.99 + 1 - now
    surprise = surprise * (end != 2)
    gain = Tensor.scan(alive * 0.94, surprise, 0, reverse=True)
    better = ((gain - gain.mean()) / gain.std()).realize()
    target = (now + gain).realize()

    def chance():
        return chances(seen).gather(-1, pushed).squeeze(-1)

    before = chance().detach().realize()
    for _ in range(4):
        ratio = (chance() - before).exp()
        near = ratio.clip(0.8, 1.2)
        won = (ratio * better).minimum(near * better)
        missed = (worth(seen) - target).square()
        opt.zero_grad()
        (missed.mean() - won.mean()).backward()
        opt.step()
    plot({"mean return": world.returns.mean()})
    scene(world.shapes(8), CartPole.VIEW, "learning")

exam = CartPole(carts)
for _ in steps(500):
    exam.step(chances(exam.state).argmax(1))
    scene(exam.shapes(8), CartPole.VIEW, "100 new episodes")
mean = exam.returns.mean().item()
print(f"mean return over 100 episodes: {mean}")
