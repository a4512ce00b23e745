from mingpt.model import GPT
from mingpt.trainer import Trainer
from tinygrad import Tensor
from playground import plot, save, steps

# A sum is 7 digits: 85 + 47 = 132 is 8 5 4 7 2 3 1. The result is
# written from its end, as by hand: a carry goes leftwards.
def sum_of(a, b):
    result = [int(digit) for digit in reversed(f"{a + b:03}")]
    return [a // 10, a % 10, b // 10, b % 10] + result

# All 10,000 sums; each seventh is never learned.
everything = [sum_of(i // 100, i % 100) for i in range(10_000)]
learned = [x for i, x in enumerate(everything) if i % 7 != 0]
unseen = [x for i, x in enumerate(everything) if i % 7 == 0]

# The model says after each digit what comes next. The numbers to
# add cannot be known: their targets are -1, "do not ask".
def pair(digits):
    return digits[:6], [-1, -1, -1] + digits[4:]

config = GPT.get_default_config()
config.n_layer, config.n_head, config.n_embd = 2, 2, 32
config.vocab_size, config.block_size = 10, 6
config.embd_pdrop = config.resid_pdrop = config.attn_pdrop = 0.0
model = GPT(config)
save(model)  # its weights: Export menu

settings = Trainer.get_default_config()
settings.learning_rate, settings.batch_size = 3e-3, 128
dataset = [pair(digits) for digits in learned]
trainer = Trainer(settings, model, dataset)

sums = Tensor(unseen)

def count_right():
    made = model.generate(sums[:, :4], 3)
    return (made == sums).all(1).sum().item()

for step in steps(5000):
    plot(loss=trainer.step())
    if step % 100 != 99:
        continue

    right = count_right()
    plot(right=right)
    if right >= 0.99 * len(unseen):
        break

digits = model.generate(Tensor([[8, 5, 4, 7]]), 3).tolist()[0]
print("85 + 47 =", "".join(str(d) for d in reversed(digits[4:])))
print(count_right(), "of", len(unseen), "unseen sums")
