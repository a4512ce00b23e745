from tinygrad import Device, Tensor, TinyJit, nn
from tinygrad.nn.datasets import mnist
from playground import draw_digit, predictions, weights
from playground import plot, steps

X_train, Y_train, X_test, Y_test = mnist()

def pixels(images):
    return images.reshape(-1, 1, 28, 28).float() / 255

class Model:
    def __init__(self):
        self.layers = [
            nn.Conv2d(1, 32, 5), Tensor.relu,
            nn.Conv2d(32, 32, 5), Tensor.relu,
            nn.BatchNorm(32), Tensor.max_pool2d,
            nn.Conv2d(32, 64, 3), Tensor.relu,
            nn.Conv2d(64, 64, 3), Tensor.relu,
            nn.BatchNorm(64), Tensor.max_pool2d,
            lambda x: x.flatten(1), nn.Linear(576, 10),
        ]

    def __call__(self, x):
        return x.sequential(self.layers)

model = Model()
opt = nn.optim.Adam(nn.state.get_parameters(model))

# 512 digits a step as in the original; fewer on a CPU.
gpu = Device.DEFAULT == "WEBGPU"
batch = 512 if gpu else 32
checks = 1000 if gpu else 100

@TinyJit
@Tensor.train()
def train_step(x, y):
    loss = model(x).cross_entropy(y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    return loss

test_x, test_y = pixels(X_test[:checks]), Y_test[:checks]

def test_accuracy():
    guesses = model(test_x).argmax(axis=1)
    return (guesses == test_y).float().mean()

predictions(X_test, model, Y_test)
weights(model, "first filters")
draw_digit(model)

for step in steps(70):
    pick = Tensor.randint(batch, high=X_train.shape[0])
    loss = train_step(pixels(X_train[pick]), Y_train[pick])

    plot(loss=loss)
    if step % 10 == 9:
        plot({"test accuracy": test_accuracy()})

accuracy = test_accuracy().item()
print(f"accuracy on digits it never saw: {accuracy:.3f}")
