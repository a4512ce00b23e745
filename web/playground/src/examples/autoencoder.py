from tinygrad import Device, Tensor, TinyJit, nn
from tinygrad.nn.datasets import mnist
from playground import images, plot, save, steps

X_train, _, X_test, _ = mnist()

def pixels(x):
    return x.float().div(255).reshape(-1, 784)

# Grey noise on every pixel, and the picture stays in 0 … 1.
def spoil(clean):
    return (clean + Tensor.randn_like(clean) * 0.5).clip(0, 1)

# 784 numbers through a narrow place of 48, and back to 784.
layers = [
    nn.Linear(784, 192),
    Tensor.relu,
    nn.Linear(192, 48),
    Tensor.relu,
    nn.Linear(48, 192),
    Tensor.relu,
    nn.Linear(192, 784),
    Tensor.sigmoid,
]
opt = nn.optim.Adam(nn.state.get_parameters(layers), lr=0.002)
save(layers)  # its weights: Export menu

batch = 256 if Device.DEFAULT == "WEBGPU" else 64

@TinyJit
@Tensor.train()
def train_step(clean):
    guess = spoil(clean).sequential(layers)
    loss = (guess - clean).square().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    return loss

clean = pixels(X_test[:500])
noisy = spoil(clean).realize()

def error(x):
    return (x - clean).square().mean()

def cleaned():
    return noisy.sequential(layers)

for step in steps(600):
    pick = Tensor.randint(batch, high=X_train.shape[0])
    loss = train_step(pixels(X_train[pick]))
    plot(loss=loss)
    if step % 50 == 49:
        plot({"test loss": error(cleaned())})
        images(noisy=noisy, cleaned=cleaned(), clean=clean)

print("loss of doing nothing:", error(noisy).item())
print("loss of the network:", error(cleaned()).item())
