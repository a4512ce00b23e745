from tinygrad import Tensor, nn
from playground import boundary, moons, plot, slider, steps

X, Y = moons(n=200, noise=0.12, seed=7)
target = Y.float().reshape(-1, 1)

class Model:
    def __init__(self):
        self.layers = [
            nn.Linear(2, 16), Tensor.relu,
            nn.Linear(16, 16), Tensor.relu,
            nn.Linear(16, 1), Tensor.sigmoid,
        ]

    def __call__(self, x):
        return x.sequential(self.layers)

model = Model()
opt = nn.optim.Adam(nn.state.get_parameters(model))

boundary(model, X, Y)

Tensor.training = True
for step in steps(500):
    opt.lr = slider("learning rate", 0.001, 0.1, value=0.01)

    guess = model(X)
    loss = guess.binary_crossentropy(target)
    opt.zero_grad()
    loss.backward()
    opt.step()

    accuracy = ((guess > 0.5) == (target > 0.5)).float().mean()
    plot(loss=loss, accuracy=accuracy)
    if step % 100 == 0:
        print(f"{step} accuracy {accuracy.item():.3f}")
