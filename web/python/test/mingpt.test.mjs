// minGPT: PyTorch's values, and JavaScript's with the same seed.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { manualSeed, nn, tensor } from "playgrad";
import { GPT, parameterCount, sizes } from "playgrad/mingpt";
import { python } from "../node.mjs";

const py = await python();
const reference = new URL("../../../tests/reference/mingpt.json", import.meta.url);
py.globals.set("reference", readFileSync(reference, "utf8"));
py.runPython(`
import json
from mingpt.model import GPT, SIZES, parameter_count
from mingpt.trainer import Trainer
from mingpt.utils import CfgNode
from tinygrad import Tensor, nn

reference = json.loads(reference)

def of(stored):
    return Tensor(stored["values"]).reshape(*stored["shape"])

def apart(got, stored):
    assert list(got.shape) == stored["shape"], (got.shape, stored["shape"])
    values = got.flatten().tolist() if got.ndim else [got.item()]
    return max(abs(a - b) / (1 + abs(b)) for a, b in zip(values, stored["values"]))

def gpt(**settings):
    config = GPT.get_default_config()
    config.merge_from_dict(settings)
    return GPT(config)
`);

test("logits, loss, attention and gradients are PyTorch's, from its state dict", () => {
  const found = py.runPython(`
model = gpt(**reference["sizes"])
nn.state.load_state_dict(model, {name: of(x) for name, x in reference["state"].items()}, verbose=False)
tokens = of(reference["tokens"]).int()
logits, loss = model(tokens, of(reference["targets"]).int())
loss.backward()
own = nn.state.get_state_dict(model)
assert sorted(own) == sorted(reference["grads"])
max(
    apart(logits, reference["logits"]),
    apart(loss, reference["loss"]),
    apart(model.attention(tokens)[0], reference["attention"]),
    *(apart(own[name].grad, grad) for name, grad in reference["grads"].items()),
)`);
  assert.ok(found < 1e-4, `${found} apart`);
});

test("models have as many weights as JavaScript counts", () => {
  const [names, counts] = py
    .runPython(`
def config(name, vocab, block):
    made = GPT.get_default_config()
    made.merge_from_dict(dict(model_type=name, vocab_size=vocab, block_size=block))
    return made

for name in ("gpt-nano", "gpt-micro", "gpt-mini"):
    model = GPT(config(name, 100, 64))
    made = sum(weight.numel() for weight in nn.state.get_parameters(model)) - model.lm_head.weight.numel()
    assert made == parameter_count(config(name, 100, 64)), (name, made)
[list(SIZES), [parameter_count(config(name, 50257, 1024)) for name in SIZES]]`)
    .toJs();
  const options = { vocabSize: 50257, blockSize: 1024 };
  const expected = Object.keys(sizes).map((modelType) => parameterCount({ modelType, ...options }));
  assert.deepEqual(names, Object.keys(sizes));
  assert.deepEqual(counts, expected);
});

test("a new model is JavaScript's with the same seed, and so is what it draws", async () => {
  const python = py.runPython(`
Tensor.manual_seed(5)
model = gpt(n_layer=2, n_head=2, n_embd=8, vocab_size=7, block_size=6)
logits, _ = model(Tensor([[1, 2, 3, 4]]))
text = model.generate(Tensor([[1, 2]]), 8, do_sample=True, top_k=5, temperature=0.8)
[list(nn.state.get_state_dict(model)), logits.flatten().tolist(), text.tolist()[0]]`);
  manualSeed(5);
  const model = new GPT({ nLayer: 2, nHead: 2, nEmbd: 8, vocabSize: 7, blockSize: 6 });
  const logits = await model.forward(tensor([[1, 2, 3, 4]]).int()).data();
  const text = model.generate(tensor([[1, 2]]).int(), 8, { topK: 5, temperature: 0.8 });
  const [names, values, drawn] = python.toJs();
  assert.deepEqual(names.sort(), Object.keys(nn.stateDict(model)).sort());
  assert.equal(values.length, 4 * 7);
  assert.deepEqual(values, Array.from(logits));
  assert.deepEqual([drawn], await text.tolist());
});

test("trains, and calls back after each step", () => {
  const [text, steps] = py
    .runPython(`
Tensor.manual_seed(1)
model = gpt(n_layer=1, n_head=2, n_embd=16, vocab_size=4, block_size=4)
config = Trainer.get_default_config()
config.merge_from_args(["--max_iters=60", "--learning_rate=1e-2", "--batch_size=8"])
trainer = Trainer(config, model, [([0, 1, 2, 3], [1, 2, 3, 0])])
steps = []
trainer.set_callback("on_batch_end", lambda t: steps.append(t.iter_num))
trainer.run()
[model.generate(Tensor([[0]]), 3).tolist()[0], steps]`)
    .toJs();
  assert.deepEqual(text, [0, 1, 2, 3]);
  assert.deepEqual(
    steps,
    Array.from({ length: 60 }, (_, i) => i + 1),
  );
});
