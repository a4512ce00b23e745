# The tasks of losses.test.mjs, written in Python.
from tinygrad import Tensor, TinyJit
from tinygrad.nn import BatchNorm, Conv2d, Linear, datasets, optim, state

X_train, Y_train, _, _ = datasets.mnist()
corners = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype="float32")
different = Tensor([[0.0], [1.0], [1.0], [0.0]])


def xor():
    layers = [Linear(2, 8), Tensor.tanh, Linear(8, 1), Tensor.sigmoid]
    return layers, lambda: (corners.sequential(layers) - different).square().mean()


def digits(layers, prepare):
    def loss():
        samples = Tensor.randint(32, high=X_train.shape[0])
        images = prepare(X_train[samples].float() / 255)
        return images.sequential(layers).sparse_categorical_crossentropy(Y_train[samples])

    return layers, loss


def mlp():
    return digits([Linear(784, 32), Tensor.relu, Linear(32, 10)], lambda x: x.flatten(1))


def cnn():
    layers = [
        Conv2d(1, 4, 5, stride=2), BatchNorm(4), Tensor.relu, Tensor.max_pool2d,
        Conv2d(4, 8, 3, padding="same", bias=False), Tensor.relu,
        lambda x: x.flatten(1).dropout(0.25), Linear(8 * 36, 10),
    ]
    return digits(layers, lambda x: x)


OPTIMIZERS = {
    "Adam": lambda params: optim.Adam(params, lr=0.01),
    "SGD": lambda params: optim.SGD(params, lr=0.1, momentum=0.9, weight_decay=1e-3, nesterov=True),
}


def losses(task, optimizer, jit, steps):
    Tensor.manual_seed(7)
    layers, forward = globals()[task]()
    opt = OPTIMIZERS[optimizer](state.get_parameters(layers))

    @Tensor.train()
    def step():
        opt.zero_grad()
        loss = forward().backward()
        opt.step()
        return loss

    if jit:
        step = TinyJit(step)
    return [step().item() for _ in range(steps)]
