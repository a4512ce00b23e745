import random

from micrograd.nn import MLP
from playground import boundary, moons, plot, steps
from tinygrad import Tensor

X, Y = moons(n=100, noise=0.1, seed=1)
points = X.tolist()
sides = [2 * c - 1 for c in Y.tolist()]

random.seed(1337)
model = MLP(2, [16, 16, 1])
parameters = model.parameters()
print(len(parameters), "numbers to learn")

# The same weights as tensors: they colour the plane faster.
def on_tensors(x):
    for layer in model.layers:
        w = Tensor([[v.data for v in n.w] for n in layer.neurons])
        b = Tensor([float(n.b.data) for n in layer.neurons])
        x = x.matmul(w.T) + b
        if layer.neurons[0].nonlin:
            x = x.relu()
    return x

boundary(on_tensors, X, Tensor(sides))

for k in steps(100):
    scores = [model(point) for point in points]
    losses = [(1 - t * s).relu() for t, s in zip(sides, scores)]
    penalty = 1e-4 * sum(p * p for p in parameters)
    loss = sum(losses) / len(losses) + penalty

    model.zero_grad()
    loss.backward()
    for p in parameters:
        p.data -= (1.0 - 0.9 * k / 100) * p.grad

    right = [t * s.data > 0 for t, s in zip(sides, scores)]
    accuracy = sum(right) / len(right)
    plot(loss=loss.data, accuracy=accuracy)
    if k % 10 == 9:
        print(k + 1, "loss", loss.data, "right", accuracy)
