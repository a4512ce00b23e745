import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { visit } from "./browser.mjs";

let page;

before(async () => {
  page = await visit({
    storage: { "playgrad:language": "python", "playgrad:code:python:xor": "# mine\n" },
  });
});

after(() => page.close());

const cases = [
  {
    name: "a syntax error",
    code: "a = 1\nb = (2\nc = 3\n",
    line: "b = (2",
    mark: "(2",
    card: [/SyntaxError/, /line 2/, /never closed/],
  },
  {
    name: "a wrong indentation",
    code: "if True:\n    a = 1\n  b = 2\n",
    line: "b = 2",
    card: [/IndentationError/, /line 3/],
  },
  {
    name: "a misspelt name",
    code: 'value = 1\nprint("ä😀", valeu)\n',
    line: 'print("ä😀", valeu)',
    mark: "valeu",
    card: [/NameError/, /line 2/, /Did you mean: 'value'/],
  },
  {
    name: "a shape error of the engine",
    code: "from tinygrad import Tensor\na = Tensor([[1, 2, 3]])\nfor i in range(3):\n    b = a @ Tensor([[1, 2]])\n",
    line: "b = a @ Tensor([[1, 2]])",
    mark: "a",
    card: [/ShapeError/, /line 4/, /matmul/, /expected/, /fix/],
  },
  {
    name: "an error in a function that the program calls",
    code: 'def inner(values):\n    return values["b"]\n\ndef outer():\n    return inner({"a": 1})\n\nouter()\n',
    line: 'return values["b"]',
    mark: "values",
    card: [/KeyError/, /line 2/],
    console: /line 7, in <module>[\s\S]*line 5, in outer[\s\S]*line 2, in inner/,
  },
  {
    name: "an error inside a module that the program calls",
    code: 'import json\n\nvalue = json.loads("{")\n',
    line: 'value = json.loads("{")',
    mark: "json.loads",
    card: [/JSONDecodeError/, /line 3/],
  },
  {
    name: "a wrong use of a helper",
    code: "from tinygrad import Tensor\nfrom playground import plot\nplot(loss=Tensor.ones(3))\n",
    line: "plot(loss=Tensor.ones(3))",
    mark: "plot",
    card: [/line 3/, /one element/, /loss\.mean\(\)/],
  },
  {
    name: "a model that fails while its boundary is drawn",
    code: "from tinygrad import Tensor\nfrom playground import boundary\n\ndef model(x):\n    return x.reshape(3, 5)\n\nboundary(model, Tensor([[0.0, 1.0]]), Tensor([1.0]))\n",
    line: "return x.reshape(3, 5)",
    card: [/line 5/, /reshape/],
  },
  {
    name: "a module that is not there",
    code: "import torch\n",
    line: "import torch",
    card: [/ModuleNotFoundError/, /line 1/, /tinygrad/],
  },
  {
    name: "a question to the person",
    code: 'name = input("Who?")\n',
    line: 'name = input("Who?")',
    mark: "input",
    card: [/line 1/, /slider/],
  },
  {
    name: "NumPy without a network",
    code: "import numpy as np\n",
    line: "import numpy as np",
    card: [/ModuleNotFoundError/],
    console: /offline/,
    offline: true,
  },
];

for (const { name, code, line, mark, card, console: said, offline } of cases) {
  test(`${name} is marked at its line`, async () => {
    if (offline) await page.page.context().route(/cdn\.jsdelivr/, (route) => route.abort());
    await page.write(code);
    await page.run();
    await page.until(["failed"], 60_000);
    const text = await page.errorText();
    for (const pattern of card) assert.match(text, pattern);
    assert.equal(await page.errorLine(), line);
    const marked = await page.page.locator(".cm-lintRange-error").allInnerTexts();
    if (mark) assert.equal(marked.join(""), mark);
    if (said) assert.match(await page.console(), said);
    assert.deepEqual(page.problems, []);
  });
}

test("an exit is an end, and says what it was given", async () => {
  await page.write('import sys\nprint("before")\nsys.exit("enough")\n');
  await page.run();
  await page.until(["done"], 60_000);
  assert.deepEqual((await page.console()).split("\n"), ["before", "enough"]);
});
