from tinygrad import Tensor, nn
from tinygrad.nn.datasets import mnist
from playground import draw_digit, predictions, weights
from playground import plot, steps

X_train, Y_train, X_test, Y_test = mnist()

def pixels(images):
    return images.reshape(-1, 784).float() / 255

class Model:
    def __init__(self):
        self.hidden = nn.Linear(784, 128)
        self.out = nn.Linear(128, 10)

    def __call__(self, x):
        return self.out(self.hidden(x).relu())

model = Model()
opt = nn.optim.Adam(nn.state.get_parameters(model), lr=0.002)

batch = 128
test_x = pixels(X_test)

def test_accuracy():
    guesses = model(test_x).argmax(axis=1)
    return (guesses == Y_test).float().mean()

predictions(X_test, model, Y_test)
weights(model)
draw_digit(model)

Tensor.training = True
for step in steps(900):
    pick = Tensor.randint(batch, high=X_train.shape[0])
    x, y = pixels(X_train[pick]), Y_train[pick]

    loss = model(x).cross_entropy(y)
    opt.zero_grad()
    loss.backward()
    opt.step()

    plot(loss=loss)
    if step % 50 == 49:
        plot({"test accuracy": test_accuracy()})

accuracy = test_accuracy().item()
print(f"accuracy on digits it never saw: {accuracy:.3f}")
