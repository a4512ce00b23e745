from tinygrad import Device, Tensor, TinyJit, nn
from tinygrad.nn.datasets import mnist
from playground import draw_digit, plot, predictions, steps

X_train, Y_train, X_test, Y_test = mnist()

def pixels(images):
    return images.reshape(-1, 1, 28, 28).float() / 255

def conv(given, made, size=3, stride=1):
    options = dict(stride=stride, padding=size // 2, bias=False)
    layer = nn.Conv2d(given, made, size, **options)
    return [layer, nn.BatchNorm(made)]

class Block:
    def __init__(self, given, made, stride):
        first = conv(given, made, 3, stride)
        self.long = [*first, Tensor.relu, *conv(made, made)]
        self.short = []
        # Where the shape changes, the short way changes it too.
        if given != made:
            self.short = conv(given, made, 1, stride)

    def __call__(self, x):
        short = x.sequential(self.short)
        return (x.sequential(self.long) + short).relu()

class Model:
    def __init__(self):
        self.layers = [
            *conv(1, 16, 5, 2), Tensor.relu,
            Block(16, 16, 1),
            Block(16, 32, 2),
            Block(32, 64, 2),
            lambda x: x.mean((2, 3)), nn.Linear(64, 10),
        ]

    def __call__(self, x):
        return x.sequential(self.layers)

model = Model()
opt = nn.optim.Adam(nn.state.get_parameters(model), lr=0.003)

@TinyJit
@Tensor.train()
def train_step(x, y):
    loss = model(x).cross_entropy(y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    return loss

test_x, test_y = pixels(X_test[:500]), Y_test[:500]

def test_accuracy():
    guesses = model(test_x).argmax(axis=1)
    return (guesses == test_y).float().mean()

predictions(X_test, model, Y_test)
draw_digit(model)

batch = 256 if Device.DEFAULT == "WEBGPU" else 32
for step in steps(100):
    pick = Tensor.randint(batch, high=X_train.shape[0])
    loss = train_step(pixels(X_train[pick]), Y_train[pick])
    plot(loss=loss)
    if step % 25 == 24:
        plot({"test accuracy": test_accuracy()})
accuracy = test_accuracy().item()
print(f"accuracy on digits it never saw: {accuracy:.3f}")
