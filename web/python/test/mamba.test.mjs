// Mamba: PyTorch's values, and JavaScript's with the same seed.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { manualSeed, nn, tensor } from "playgrad";
import { Mamba } from "playgrad/mamba";
import { python } from "../node.mjs";

const py = await python();
const reference = new URL("../../../tests/reference/mamba.json", import.meta.url);
py.globals.set("reference", readFileSync(reference, "utf8"));
py.runPython(`
import json
from mamba import Mamba, ModelArgs, selective_scan
from tinygrad import Tensor, nn

reference = json.loads(reference)

def of(stored):
    return Tensor(stored["values"]).reshape(*stored["shape"])

def apart(got, stored):
    assert list(got.shape) == stored["shape"], (got.shape, stored["shape"])
    values = got.flatten().tolist()
    return max(abs(a - b) / (1 + abs(b)) for a, b in zip(values, stored["values"]))
`);

test("the selective scan and its gradients are PyTorch's", () => {
  const found = py.runPython(`
scan = reference["scan"]
given = {name: of(x) for name, x in scan["given"].items()}
for x in given.values():
    x.requires_grad = True
out = selective_scan(*given.values())
(out * of(scan["weights"])).sum().backward()
max(apart(out, scan["out"]), *(apart(given[name].grad, grad) for name, grad in scan["grads"].items()))`);
  assert.ok(found < 1e-4, `${found} apart`);
});

test("scores and gradients of the whole model are PyTorch's, from its state dict", () => {
  const found = py.runPython(`
whole = reference["model"]
model = Mamba(ModelArgs(**whole["sizes"]))
nn.state.load_state_dict(model, {name: of(x) for name, x in whole["state"].items()}, verbose=False)
out = model(of(whole["tokens"]).int())
(out * of(whole["weights"])).sum().backward()
own = nn.state.get_state_dict(model)
max(apart(out, whole["out"]), *(apart(own[name].grad, grad) for name, grad in whole["grads"].items()))`);
  assert.ok(found < 1e-4, `${found} apart`);
});

test("a new model is JavaScript's with the same seed", async () => {
  const python = py.runPython(`
Tensor.manual_seed(5)
model = Mamba(ModelArgs(d_model=20, n_layer=1, vocab_size=10))
[list(nn.state.get_state_dict(model)), model(Tensor([[1, 2, 3, 4]])).flatten().tolist()]`);
  manualSeed(5);
  const model = new Mamba({ dModel: 20, nLayer: 1, vocabSize: 10 });
  const scores = await model.forward(tensor([[1, 2, 3, 4]]).int()).data();
  const [names, values] = python.toJs();
  assert.deepEqual(names.sort(), Object.keys(nn.stateDict(model)).sort());
  assert.equal(values.length, 4 * 16);
  assert.deepEqual(values, Array.from(scores));
});
