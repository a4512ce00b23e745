import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { finished, visit } from "./browser.mjs";

/** One visitor for all: each run has a worker of its own. An edited program, so that opening runs nothing. */
let page;

before(async () => {
  page = await visit({
    storage: { "playgrad:language": "python", "playgrad:code:python:xor": "# mine\n" },
  });
  await page.speed("max");
});

after(() => page.close());

async function run(code, states = finished) {
  await page.write(code);
  await page.run();
  return page.until(states, 60_000);
}

const reaches = (least) =>
  page.page.waitForFunction(
    (n) => Number(document.querySelector(".step")?.textContent?.replaceAll(",", "").match(/\d+/)?.[0]) >= n,
    least,
  );
const panel = (name) => page.page.locator(`[data-panel="${name}"]`);
const lines = async () => (await page.console()).split("\n");

const xor = `from tinygrad import Tensor
from tinygrad.nn import Linear, optim
from playground import boundary, plot, steps

class Net:
    def __init__(self):
        self.l1 = Linear(2, 16)
        self.l2 = Linear(16, 1)

    def forward(self, x):
        return self.l2(self.l1(x).tanh()).sigmoid()

X = Tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = Tensor([[0.0], [1.0], [1.0], [0.0]])
model = Net()
opt = optim.Adam([model.l1, model.l2], lr=0.02)
boundary(model, X, Y)
Tensor.training = True
for epoch in EPOCHS:
    loss = ((model.forward(X) - Y) ** 2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    plot(loss=loss)
print("final", loss.item())
`;

test("XOR learns in Python, with its chart and its boundary", async () => {
  assert.equal(await run(xor.replace("EPOCHS", "range(300)")), "done", await page.errorText());
  const loss = Number(/final (\S+)/.exec(await page.console())[1]);
  assert.ok(loss < 0.02, `loss ${loss}`);
  assert.ok(Math.abs((await page.lastValue("loss")) - loss) < 1e-3);
  assert.equal(await page.steps(), 300);
  assert.match(await panel("boundary").innerText(), /4 of 4 right/);
});

test("a pause waits at an optimizer's step, Step takes one more, Resume goes on", async () => {
  await page.speed(4);
  await run(xor.replace("EPOCHS", "range(100000)"), ["running"]);
  await reaches(2);
  await page.page.locator('button[aria-label="Pause"]').click();
  await page.until(["paused"]);
  const held = await page.steps();
  await page.page.keyboard.press("Alt+Enter");
  await reaches(held + 1);
  await page.page.waitForTimeout(300);
  assert.equal(await page.steps(), held + 1);
  assert.equal(await page.status(), "paused");
  await page.page.locator('button[aria-label="Resume"]').click();
  await reaches(held + 3);
  await page.page.locator('button[aria-label="Stop"]').click();
  await page.until(["stopped"]);
  await page.speed("max");
});

test("Step from rest waits after the first step of a loop of steps", async () => {
  await page.write("from playground import steps\nfor i in steps(5):\n    print('at', i)\n");
  await page.page.keyboard.press("Alt+Enter");
  await page.until(["paused"], 60_000);
  await page.page.waitForFunction(() => document.querySelector(".lines")?.textContent?.includes("at 0"));
  assert.deepEqual(await lines(), ["at 0"]);
  await page.page.locator('button[aria-label="Resume"]').click();
  await page.until(["done"]);
  assert.equal(await page.steps(), 5);
});

test("a slider is heard while the program runs", async () => {
  await run(
    "from playground import slider, steps\nfor i in steps():\n    value = slider('height', 0, 10, 3)\n    if i == 0: print('from', value)\n    if value == 7: break\nprint('to', value)\n",
    ["running"],
  );
  await page.page.getByRole("slider", { name: "height" }).evaluate((input) => {
    input.value = "7";
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
  await page.until(["done"]);
  assert.deepEqual(await lines(), ["from 3", "to 7"]);
});

test("what is printed comes in its order, parts of lines at once, redrawn lines as one", async () => {
  const code = `import sys, time
from tinygrad import Tensor
print("one", Tensor([1, 2]).tolist())
print("two", file=sys.stderr)
print("thr", end="")
time.sleep(0.2)
print("ee")
for i in range(50):
    print(f"\\rstep {i}", end="")
print()
sys.stdout.write("four\\nfi")
sys.stdout.write("ve\\n")
print(Tensor([[1.5, 2.0]]))
`;
  assert.equal(await run(code), "done");
  const shown = await lines();
  assert.deepEqual(shown.slice(0, 6), ["one [1, 2]", "two", "three", "step 49", "four", "five"]);
  assert.match(shown.slice(6).join(" "), /1\.5.*2/);
});

test("digits drawn after the program's end are answered by its model", async () => {
  const code = `from tinygrad import Tensor, nn
from playground import dataset, draw_digit, predictions, show, weights
data = dataset(train=64, test=24)
layer = nn.Linear(784, 10)
weights(layer)
predictions(data.test.images, layer, data.test.labels)
draw_digit(layer)
show(layer.bias, "bias")
`;
  assert.equal(await run(code), "done", await page.errorText());
  for (const name of ["data", "weights:first layer", "predictions", "tensor:bias"])
    assert.equal(await panel(name).count(), 1, name);
  const pad = await panel("draw").locator("canvas").boundingBox();
  await page.page.mouse.move(pad.x + 20, pad.y + 20);
  await page.page.mouse.down();
  await page.page.mouse.move(pad.x + pad.width / 2, pad.y + pad.height - 20, { steps: 5 });
  await page.page.mouse.up();
  await page.page.waitForFunction(() =>
    /Looks like \d/.test(document.querySelector('[data-panel="draw"]').innerHTML),
  );
});

test("nothing went wrong in the page itself", () => assert.deepEqual(page.problems, []));
