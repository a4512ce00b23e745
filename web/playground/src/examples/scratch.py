from tinygrad import Device, Tensor
from playground import dataset, plot, predictions, steps

# Images as rows of 784 numbers, on the device that computes.
train, test, _ = dataset()
place = Device.DEFAULT

def rows(images):
    return images.reshape(-1, 784).float() / 255

images = rows(train.images).to(place)
labels = train.labels.to(place)
test_images = rows(test.images).to(place)

# Two layers: 784 → 30 → 10. Weights begin small and random.
w1 = Tensor.randn(784, 30) * 0.036
b1 = Tensor.zeros(30)
w2 = Tensor.randn(30, 10) * 0.18
b2 = Tensor.zeros(10)
parameters = [w1, b1, w2, b2]
for p in parameters:
    p.realize().requires_grad_()
velocity = [Tensor.zeros(*p.shape) for p in parameters]

def forward(x):
    return (x @ w1 + b1).sigmoid() @ w2 + b2

def accuracy():
    guesses = forward(test_images).argmax(axis=1)
    return (guesses == test.labels).float().mean()

def guess(x):
    return forward(x.reshape(-1, 784))

predictions(test.images, guess, test.labels)

rate, momentum, size = 0.1, 0.9, 64
batches = len(labels) // size

for step in steps(600):
    # Every image once in an epoch, then a new order.
    at = step % batches
    if at == 0:
        order = Tensor.randperm(len(labels)).realize()
    batch = order[at * size : (at + 1) * size]

    loss = forward(images[batch]).cross_entropy(labels[batch])
    slopes = loss.gradient(*parameters)
    for w, v, slope in zip(parameters, velocity, slopes):
        v.assign(v * momentum + slope)
        w.assign(w - rate * v)
    Tensor.realize(loss, *velocity, *parameters)

    plot(loss=loss)
    if step % 50 == 49:
        plot({"test accuracy": accuracy()})

seen = accuracy().item()
print(f"accuracy on digits it never saw: {seen:.3f}")
