# A convolutional net on digits, in the forms of tinygrad's own example.
from typing import Callable

from tinygrad import GlobalCounters, Tensor, TinyJit, function, nn
from tinygrad.helpers import colored, getenv, trange
from tinygrad.nn.datasets import mnist


class Model:
    def __init__(self):
        self.layers: list[Callable[[Tensor], Tensor]] = [
            nn.Conv2d(1, 8, 5), Tensor.relu,
            nn.BatchNorm(8), Tensor.max_pool2d,
            nn.Conv2d(8, 16, 3, bias=False), Tensor.relu,
            nn.BatchNorm2d(16), Tensor.max_pool2d,
            lambda x: x.flatten(1), nn.Linear(400, 10),
        ]

    @function
    def __call__(self, x: Tensor) -> Tensor:
        return x.sequential(self.layers)

    @TinyJit
    @Tensor.train()
    def step_on(self, images: Tensor, labels: Tensor) -> Tensor:
        optimizer.zero_grad()
        chosen = Tensor.randint(getenv("BS", 32), high=images.shape[0])
        loss = self(images[chosen]).sparse_categorical_crossentropy(labels[chosen]).backward()
        return loss.realize(*optimizer.schedule_step())


if __name__ == "__main__":
    X_train, Y_train, X_test, Y_test = mnist(fashion=getenv("FASHION"))
    print(X_train.shape, X_train.dtype, Y_train.shape, Y_train.dtype)

    model = Model()
    optimizer = (nn.optim.SGD if getenv("SGD") else nn.optim.Adam)(nn.state.get_parameters(model), lr=3e-3)

    @TinyJit
    def accuracy() -> Tensor:
        return (model(X_test).argmax(axis=1) == Y_test).mean() * 100

    @TinyJit
    @Tensor.train()
    def train_step() -> Tensor:
        optimizer.zero_grad()
        samples = Tensor.randint(getenv("BS", 32), high=X_train.shape[0])
        loss = model(X_train[samples]).sparse_categorical_crossentropy(Y_train[samples]).backward()
        optimizer.step()
        return loss

    steps = getenv("STEPS", 70)
    for i in (t := trange(steps)):
        GlobalCounters.reset()
        loss = train_step() if i < steps // 2 else model.step_on(X_train, Y_train)
        t.set_description(f"loss: {loss.item():6.2f}")
    for _ in range(3):
        reached = accuracy().item()
    print(f"training={Tensor.training} kernels={GlobalCounters.kernel_count > 0}")
    print(colored(f"{reached:5.2f}%", "green" if reached >= getenv("TARGET", 0.0) else "red"))
