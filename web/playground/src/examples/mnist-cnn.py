from tinygrad import Device, Tensor, nn
from tinygrad.nn.datasets import mnist
from playground import draw_digit, predictions, weights
from playground import plot, steps

X_train, Y_train, X_test, Y_test = mnist()

def pixels(images):
    return images.reshape(-1, 1, 28, 28).float() / 255

class Model:
    def __init__(self):
        self.layers = [
            nn.Conv2d(1, 24, 5), Tensor.relu, Tensor.max_pool2d,
            nn.Conv2d(24, 32, 3), Tensor.relu, Tensor.max_pool2d,
            lambda x: x.flatten(1),
            nn.Linear(800, 128), Tensor.relu,
            nn.Linear(128, 10),
        ]

    def __call__(self, x):
        return x.sequential(self.layers)

model = Model()
opt = nn.optim.Adam(nn.state.get_parameters(model), lr=0.002)

batch = 64
checks = 1000 if Device.DEFAULT == "WEBGPU" else 250
test_x, test_y = pixels(X_test[:checks]), Y_test[:checks]

def test_accuracy():
    guesses = model(test_x).argmax(axis=1)
    return (guesses == test_y).float().mean()

predictions(X_test, model, Y_test)
weights(model, "first filters")
draw_digit(model)

Tensor.training = True
for step in steps(120):
    pick = Tensor.randint(batch, high=X_train.shape[0])
    x, y = pixels(X_train[pick]), Y_train[pick]

    loss = model(x).cross_entropy(y)
    opt.zero_grad()
    loss.backward()
    opt.step()

    plot(loss=loss)
    if step % 20 == 19:
        plot({"test accuracy": test_accuracy()})

accuracy = test_accuracy().item()
print(f"accuracy on digits it never saw: {accuracy:.3f}")
