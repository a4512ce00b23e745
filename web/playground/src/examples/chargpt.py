from mingpt.model import GPT
from mingpt.trainer import Trainer
from tinygrad import Tensor
from playground import plot, save, show, steps, text

# Put your own text into the panel and run again.
source = text("text", """The sea was grey in the morning.
The boat was small and the wind was cold.
The old man sat in the boat and looked at the sea.
He had a line, a lamp and a loaf of bread.

In the morning the fish were deep.
At noon the sun stood over the boat.
The old man ate half of the bread.
He sang a song of the sea and the wind.

In the night the moon stood over the sea.
The fish was long and grey, as long as the boat.
It looked at the old man and he looked at it.
He cut the line and the fish went home.""")

# A token is a character: its place among those of the text.
letters = sorted(set(source))
codes = [letters.index(c) for c in source]
block = 32
if len(codes) <= block:
    raise ValueError("The text is too short: give a few lines.")

# Pieces of the text, and the same one character further on.
dataset = [
    (codes[i : i + block], codes[i + 1 : i + block + 1])
    for i in range(len(codes) - block)
]

config = GPT.get_default_config()
config.n_layer, config.n_head, config.n_embd = 2, 2, 48
config.vocab_size, config.block_size = len(letters), block
model = GPT(config)
save(model)  # its weights: Export menu

settings = Trainer.get_default_config()
settings.learning_rate, settings.batch_size = 2e-3, 16
trainer = Trainer(settings, model, dataset)

def write():
    begin = Tensor([codes[:4]])
    made = model.generate(begin, 100, 0.8, do_sample=True)
    return "".join(letters[code] for code in made.tolist()[0])

for step in steps(1000):
    plot(loss=trainer.step())
    if step % 50 == 49:
        show(write(), "written")
print(write())
