// tinygrad.nn.onnx: models that are read, trained and written.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { python } from "../node.mjs";

const folder = join(import.meta.dirname, "../../../tests/onnx/fixtures");
const py = await python();
const value = (code) => JSON.parse(py.runPython(`import json\n${code}\njson.dumps(told)`));

py.FS.writeFile("mnist.onnx", readFileSync(join(folder, "mnist.onnx")));
py.FS.writeFile("mnist.json", readFileSync(join(folder, "mnist.json")));
py.runPython(`
import json
from tinygrad import Tensor, nn
from tinygrad.nn.onnx import OnnxRunner, save
case = json.load(open("mnist.json"))
x, y = (Tensor(case[name]["values"]).reshape(*case[name]["shape"]) for name in "xy")
`);

test("a runner gives what onnxruntime gives", () => {
  const told = value(`
run = OnnxRunner("mnist.onnx")
out = run({"x": x})
told = [list(run.graph_inputs["x"].shape), str(run.graph_inputs["x"].dtype), list(out) == list(run.graph_outputs),
        (out[run.graph_outputs[0]] - y).abs().max().item(), run.operators["Conv"]]`);
  assert.deepEqual([...told.slice(0, 3), told[4]], [[1, 1, 28, 28], "dtypes.float", true, 2]);
  assert.ok(told[3] < 1e-4, `${told[3]} apart`);
});

test("its weights learn", () => {
  const told = value(`
run = OnnxRunner("mnist.onnx")
optimizer = nn.optim.Adam(list(run.graph_values.values()), lr=0.003)
Tensor.training, told = True, []
for _ in range(10):
    optimizer.zero_grad()
    loss = run({"x": x})[run.graph_outputs[0]].cross_entropy(Tensor([3]))
    loss.backward()
    optimizer.step()
    told.append(loss.item())
Tensor.training = False`);
  assert.ok(told.at(-1) < told[0] / 2, `${told}`);
});

test("a model is written and read again", () => {
  const told = value(`
class Net:
    def __init__(self):
        self.conv, self.out = nn.Conv2d(1, 4, 5), nn.Linear(576, 10)
    def __call__(self, x):
        return self.out(self.conv(x).relu().max_pool2d().flatten(1))
net = Net()
save(net, {"image": x}, "net.onnx", ["scores"], batch=True)
run = OnnxRunner("net.onnx")
apart = (run({"image": x})["scores"] - net(x)).abs().max().item()
many = run({"image": x.expand(3, 1, 28, 28)})["scores"]
told = [sorted(run.graph_values), apart, run.operators["Conv"], list(run.graph_inputs["image"].shape), list(many.shape)]`);
  assert.deepEqual(told[0], ["conv.bias", "conv.weight", "out.bias", "out.weight"]);
  assert.deepEqual(told.slice(3), [
    ["batch", 1, 28, 28],
    [3, 10],
  ]);
  assert.ok(told[1] < 1e-5 && told[2] === 1, `${told}`);
});

test("mistakes are errors", () => {
  const told = value(`
told = []
for work in [lambda: OnnxRunner("mnist.onnx")({"y": x}), lambda: OnnxRunner(b"no model at all"), lambda: OnnxRunner("missing.onnx")]:
    try: work()
    except Exception as error: told.append(f"{type(error).__name__}: {error}")`);
  assert.match(told[0], /ArgumentError: OnnxRunner: got inputs 'y', expected x/);
  assert.match(told[1], /DataError: .*no ONNX model/);
  assert.match(told[2], /DataError: .*missing\.onnx/);
});
