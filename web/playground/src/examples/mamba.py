from mamba import Mamba, ModelArgs
from tinygrad import Device, Tensor, TinyJit, nn
from playground import plot, save, show, steps

# A story of 12 tokens hides 3 symbols in noise. Then the model
# is asked 3 times, and answers with the symbols in their order.
symbols = 8
noise, ask = 8, 9
length, hidden = 12, 3
batch = 128 if Device.DEFAULT == "WEBGPU" else 32

def stories(n):
    told = Tensor.randint(n, hidden, high=symbols)
    drawn = Tensor.rand(n, length).topk(hidden)[1]
    places = drawn.sort(1)[0]
    empty = Tensor.full((n, length), noise)
    asked = Tensor.full((n, hidden), ask)
    story = empty.scatter(1, places, told)
    return story.cat(asked, dim=1), told

model = Mamba(ModelArgs(
    d_model=32,
    n_layer=2,
    vocab_size=symbols + 2,
))
save(model)  # its weights: Export menu
opt = nn.optim.Adam(nn.state.get_parameters(model), lr=0.01)

def answers(x):
    return model(x)[:, length:, :symbols]

@TinyJit
@Tensor.train()
def train_step(x, told):
    scores = answers(x).reshape(-1, symbols)
    loss = scores.cross_entropy(told.flatten())
    opt.zero_grad()
    loss.backward()
    opt.step()
    return loss

test_x, test_told = stories(500)

def accuracy():
    guesses = answers(test_x).argmax(-1)
    return (guesses == test_told).float().mean()

one = test_x[:1]
for step in steps(300):
    plot(loss=train_step(*stories(batch)))
    if step % 25 == 24:
        plot(accuracy=accuracy())
        show(model.step_sizes(one)[-1].squeeze(0), "step sizes")

print("one story:", one.tolist()[0])
print("its answers:", answers(one).argmax(-1).tolist()[0])
print("symbols right in 500 new stories:", accuracy().item())
