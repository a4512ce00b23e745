import random

from micrograd.engine import Value
from micrograd.nn import MLP

a = Value(-4.0)
b = Value(2.0)
c = a + b
d = a * b + b**3
c += c + 1
c += 1 + c + (-a)
d += d * 2 + (b + a).relu()
d += 3 * d + (b - a).relu()
e = c - d
f = e**2
g = f / 2.0
g += 10.0 / f
g.backward()
print(f"{g.data:.4f} {a.grad:.4f} {b.grad:.4f}")

x = Value(0.5)
y = (2 - x.tanh()) / (x.exp() - 3)
y.backward()
slope = ((2 - (x + 1e-6).tanh()) / ((x + 1e-6).exp() - 3) - y).data / 1e-6
print(abs(x.grad - slope) < 1e-4)

random.seed(1337)
points = [(random.uniform(-1, 1), random.uniform(-1, 1)) for _ in range(24)]
sides = [1 if v > u * u - 0.3 else -1 for u, v in points]
model = MLP(2, [8, 1])
print(len(model.parameters()), model.layers[-1])
for step in range(60):
    scores = [model(list(map(Value, point))) for point in points]
    losses = [(1 + -side * score).relu() for side, score in zip(sides, scores)]
    loss = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in model.parameters())
    model.zero_grad()
    loss.backward()
    for p in model.parameters():
        p.data -= (1.0 - 0.9 * step / 60) * 0.3 * p.grad
right = sum((side > 0) == (score.data > 0) for side, score in zip(sides, scores))
print(right >= 22)
