from pathlib import Path
from tinygrad import Tensor, nn
from tinygrad.nn.datasets import mnist
from tinygrad.nn.onnx import OnnxRunner, save
from playground import draw_digit, model_file, plot, steps
from playground import predictions

X_train, Y_train, X_test, Y_test = mnist()
X_test, Y_test = X_test[:500], Y_test[:500]

def pixels(images):
    return images.reshape(-1, 1, 28, 28).float() / 255

# 1. Somebody trains a small network…
class Net:
    def __init__(self):
        self.layers = [
            nn.Conv2d(1, 8, 5), Tensor.relu,
            lambda x: x.max_pool2d(4).flatten(1),
            nn.Linear(288, 10),
        ]

    def __call__(self, x):
        return x.sequential(self.layers)

@Tensor.train()
def learn(model, weights, n):
    opt = nn.optim.Adam(weights, lr=0.005)
    for step in steps(n):
        pick = Tensor.randint(64, high=X_train.shape[0])
        x, y = pixels(X_train[pick]), Y_train[pick]
        loss = model(x).cross_entropy(y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        plot(loss=loss)

net = Net()
learn(net, nn.state.get_parameters(net), 60)

# 2. …and saves it as a file that other programs read.
x = pixels(X_test)
save(net, {"x": x}, "net.onnx", ["scores"], batch=True)
size = Path("net.onnx").stat().st_size / 1024
print(f"the file: {size:.1f} KB")

# 3. Here it is read again, or a file of yours.
run = OnnxRunner(model_file() or "net.onnx")
name, out = next(iter(run.graph_inputs)), run.graph_outputs[0]
model = lambda x: run({name: x})[out]
right = lambda: (model(x).argmax(1) == Y_test).float().mean()
print("operators:", run.operators)
apart = (model(x) - net(x)).abs().max()
print("furthest from the original:", apart.item())
print(f"right before: {right().item():.3f}")
predictions(X_test, model, Y_test)
draw_digit(model)

# 4. Its weights are ordinary tensors: it learns on.
learn(model, list(run.graph_values.values()), 60)
print(f"right after: {right().item():.3f}")
