from tinygrad import Tensor, nn
from playground import boundary, plot, slider, steps

X = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
Y = Tensor([[0], [1], [1], [0]])

class Model:
    def __init__(self):
        self.hidden = nn.Linear(2, 8)
        self.out = nn.Linear(8, 1)

    def __call__(self, x):
        return self.out(self.hidden(x).tanh()).sigmoid()

model = Model()
opt = nn.optim.Adam(nn.state.get_parameters(model))

boundary(model, X, Y)

Tensor.training = True
for step in steps(600):
    opt.lr = slider("learning rate", 0.002, 0.1, value=0.01)

    loss = (model(X) - Y).square().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()

    plot(loss=loss)
    if step % 100 == 0:
        print(f"step {step} loss {loss.item():.6f}")

print("The four answers (wanted: 0 1 1 0):")
print(model(X).numpy())
