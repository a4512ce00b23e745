import assert from "node:assert/strict";
import { test } from "node:test";
import { chromeArgs, launch, visit } from "./browser.mjs";

const cases = [
  {
    name: "a syntax error",
    code: "const a = 1;\nconst b = (2;\n",
    line: "const b = (2;",
    card: [/line 2/, /Go to line 2/],
  },
  {
    name: "a runtime error after types were removed",
    code: "interface A {\n  b: number;\n}\nconst a: A | undefined = undefined;\nconsole.log((a as unknown as A).b);\n",
    line: "console.log((a as unknown as A).b);",
    card: [/TypeError/, /line 5/],
  },
  {
    name: "a shape error inside a loop",
    code: `import { tensor } from "playgrad";
import { steps } from "playground";
const a = tensor([[1, 2, 3]]);
for await (const step of steps(3)) {
  a.matmul(tensor([[1, 2]]));
}
`,
    line: "a.matmul(tensor([[1, 2]]));",
    card: [/ShapeError/, /line 5/, /matmul/, /expected/, /fix/],
  },
  {
    name: "an import that does not exist",
    code: 'import { tensor } from "playgrad";\nimport { optin } from "playgrad";\n',
    line: 'import { optin } from "playgrad";',
    card: [/line 2/, /optim/],
  },
  {
    name: "a wrong use of a helper",
    code: 'import { Tensor } from "playgrad";\nimport { plot } from "playground";\nplot({ loss: Tensor.ones(3) });\n',
    line: "plot({ loss: Tensor.ones(3) });",
    card: [/line 3/, /one element/],
  },
  {
    name: "an unknown dtype",
    code: 'import { tensor } from "playgrad";\ntensor([1], { dtype: "float8" as never });\n',
    line: 'tensor([1], { dtype: "float8" as never });',
    card: [/line 2/, /float8/, /fix/],
  },
  {
    name: "a request for far too much memory",
    code: 'import { Tensor } from "playgrad";\nconsole.log(await Tensor.ones(40000, 40000).contiguous().data());\n',
    line: "console.log(await Tensor.ones(40000, 40000).contiguous().data());",
    card: [/line 2/],
  },
];

for (const { name, code, line, card } of cases) {
  test(`${name} is marked at its line`, async () => {
    const page = await visit();
    await page.write(code);
    await page.run();
    await page.until(["failed"]);
    const text = await page.errorText();
    for (const pattern of card) assert.match(text, pattern);
    assert.equal(await page.errorLine(), line);
    assert.deepEqual(page.problems, []);
    await page.close();
  });
}

test("a click on the error jumps to its line", async () => {
  const page = await visit();
  await page.write(`${"\n".repeat(80)}throw new Error("far down");\n`);
  await page.page.keyboard.press("Control+Home");
  await page.run();
  await page.until(["failed"]);
  await page.page.getByRole("button", { name: "Go to line 81" }).click();
  await page.page.waitForSelector(".cm-errorLine");
  assert.equal(
    await page.page.evaluate(() => document.activeElement?.classList.contains("cm-content")),
    true,
  );
  await page.close();
});

test("NaN and infinity are values, not failures", async () => {
  const page = await visit();
  await page.write(`import { tensor } from "playgrad";
import { plot, print } from "playground";
const a = tensor([NaN, Infinity, -Infinity, 1]);
print(a.add(1));
plot({ loss: a.sum() });
`);
  await page.run();
  await page.until(["done"]);
  assert.match(await page.console(), /nan.*inf/i);
  await page.close();
});

test("a device lost mid-run is told, the code is kept and the next Run works", async () => {
  const page = await visit({ storage: { "playgrad:device": "webgpu" } });
  const code = `import { data, nn, optim } from "playgrad";
import { plot, print, steps } from "playground";
const encode = GPUDevice.prototype.createCommandEncoder;
let calls = 0;
GPUDevice.prototype.createCommandEncoder = function (...rest) {
  if (++calls === 20) this.destroy();
  return encode.apply(this, rest);
};
const { x, y } = data.xor();
const model = new nn.Sequential(new nn.Linear(2, 8), (t) => t.tanh(), new nn.Linear(8, 1));
const optimizer = new optim.Adam(nn.parameters(model));
for await (const step of steps(5000)) {
  const loss = model.forward(x).mse(y);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  plot({ loss });
}
`;
  await page.write(code);
  await page.run();
  await page.until(["failed"]);
  const text = await page.errorText();
  console.log(text.replaceAll("\n", " | "));
  assert.match(text, /lost/i);
  assert.match(await page.code(), /this\.destroy\(\)/);

  await page.write(
    'import { tensor } from "playgrad";\nimport { print } from "playground";\nprint(tensor([20]).add(22));\n',
  );
  await page.run();
  await page.until(["done"]);
  assert.match(await page.console(), /42/);
  await page.close();
});

test("a browser without WebGPU trains on the CPU and says why", async () => {
  const browser = await launch([
    ...chromeArgs.filter((flag) => !/gpu/.test(flag)),
    "--disable-features=WebGPU",
  ]);
  const page = await visit({ browser });
  await page.until(["running"]);
  assert.match(await page.page.locator(".device button").first().innerText(), /CPU/);
  await page.page.locator(".device button").first().click();
  const menu = await page.page.locator(".device .menu").innerText();
  console.log(menu.replaceAll("\n", " | "));
  assert.match(menu, /not available: \S+/);
  assert.equal(await page.page.locator(".device [data-item]").nth(1).isDisabled(), true);
  await browser.close();
});

test("an engine that does not load is told, and the code stays editable", async () => {
  const page = await visit();
  await page.page.context().route(/\.wasm$/, (route) => route.fulfill({ status: 404, body: "gone" }));
  await page.page.reload();
  await page.until(["failed"]);
  assert.match(await page.errorText(), /engine did not load/i);
  await page.write("// still mine\n");
  assert.match(await page.code(), /still mine/);
  await page.close();
});
