from tinygrad import Tensor, nn
from playground import boundary, plot, steps

X = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
Y = Tensor([[0], [1], [1], [0]])

layers = [nn.Linear(2, 1)]
# layers = [nn.Linear(2, 8), Tensor.tanh, nn.Linear(8, 1)]

opt = nn.optim.Adam(nn.state.get_parameters(layers), lr=0.1)

def model(x):
    return x.sequential(layers)

boundary(lambda x: model(x).sigmoid(), X, Y)

Tensor.training = True
for step in steps(300):
    guess = model(X).sigmoid()
    loss = (guess - Y).square().mean()
    loss.backward()
    opt.step()
    opt.zero_grad()
    plot(loss=loss)

print(f"loss {loss.item():.6f}")
print("The answer for 0, 0 (wanted: 0):")
print(model(Tensor([[0, 0]])).numpy())
# print(model(Tensor([[0, 0]])).sigmoid().numpy())
