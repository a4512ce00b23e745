# Blocks as introductions to tinygrad print them: every block goes on where the last one ended.
from tinygrad import Tensor
from tinygrad.nn import BatchNorm2d, Linear

Tensor.training = True

# ---
ints = Tensor([1, 2, 3])
zeros = Tensor.zeros(3)
drawn = Tensor.rand(2, 3)
total = ints + zeros
double = total * 2
product = ints @ Tensor([[1], [2], [3]])
print(double.numpy())
print(product.numpy())

# ---
x = Tensor([1.0, 2.0, 3.0])
y = (x * 2).sum()
y.backward()
print(x.grad.numpy())

# ---
from tinygrad.nn import Linear, optim

model = Linear(3, 1)
x = Tensor.rand(4, 3)
wanted = Tensor.rand(4, 1)
guess = model(x).sigmoid()
loss = ((guess - wanted) ** 2).mean()
before = Tensor(model.weight.numpy())
loss.backward()
optim.Adam([model], lr=0.01).step()
print(bool((((model.weight - before).abs() - 0.01).abs() < 1e-4).all()))

# ---
corners = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
ones = Tensor([[0], [1], [1], [0]])
model = Linear(2, 1)
opt = optim.Adam([model], lr=0.1)
Tensor.training = True
for epoch in range(200):
    guess = model(corners).sigmoid()
    loss = ((guess - ones) ** 2).mean()
    loss.backward()
    opt.step()
    opt.zero_grad()
# One layer cannot learn this: it ends at a half everywhere, a loss of a quarter.
print(round(loss.item(), 4))
print(model(Tensor([[0, 0]])))
