from mingpt.model import GPT
from mingpt.trainer import Trainer
from tinygrad import Tensor
from playground import plot, save, show, steps

# Every list of six digits 0, 1, 2; each fourth is never learned.
places = [1, 3, 9, 27, 81, 243]
everything = [[i // k % 3 for k in places] for i in range(3**6)]
learned = [x for i, x in enumerate(everything) if i % 4 != 0]

# A sequence: a list, then the same list in order. The model sees
# 11 digits and says after each what comes next. Only the second
# half can be known: the first five targets are -1, "do not ask".
def pair(digits):
    both = digits + sorted(digits)
    return both[:11], [-1] * 5 + both[6:]

config = GPT.get_default_config()
config.n_layer, config.n_head, config.n_embd = 2, 2, 32
config.vocab_size, config.block_size = 3, 11
model = GPT(config)
save(model)  # its weights: Export menu

settings = Trainer.get_default_config()
settings.learning_rate = 2e-3
dataset = [pair(digits) for digits in learned]
trainer = Trainer(settings, model, dataset)

# The model writes six digits after each list.
lists = Tensor(everything)
in_order = lists.sort(1)[0]

def count_right():
    made = model.generate(lists, 6)
    return (made[:, 6:] == in_order).all(1).sum().item()

example = [2, 0, 1, 1, 0, 2]
digits, _ = pair(example)

for step in steps(2000):
    plot(loss=trainer.step())
    if step % 50 != 49:
        continue

    right = count_right()
    plot(right=right)
    for i, heads in enumerate(model.attention(Tensor([digits]))):
        label = f"attention, block {i + 1}"
        show(heads.squeeze(0), label, [str(d) for d in digits])
    if right == len(everything):
        break

written = model.generate(Tensor([example]), 6)
print("a list, then in order:", written.tolist()[0])
print(count_right(), "of", len(everything), "lists are right")
