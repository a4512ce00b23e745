import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { init, manualSeed, nn, type Tensor, tensor } from "../dist/index.js";
import { Mamba, selectiveScan } from "../dist/mamba/index.js";

/** PyTorch's values, written by tests/reference/mamba.py. */
interface Values {
  shape: number[];
  values: number[];
}
const file = new URL("../../../tests/reference/mamba.json", import.meta.url);
const { model: whole, scan } = JSON.parse(readFileSync(file, "utf8"));
const of = ({ shape, values }: Values) => tensor(Float32Array.from(values), { shape });

async function same(what: string, got: Tensor | null, expected: Values) {
  expect(got?.shape, what).toEqual(expected.shape);
  const values = await got!.data();
  const apart = expected.values.map((value, i) => Math.abs(value - values[i]!) / (1 + Math.abs(value)));
  expect(Math.max(...apart), what).toBeLessThan(1e-4);
}

beforeAll(() => init({ device: "cpu" }));

describe("Mamba", () => {
  test("the selective scan and its gradients are PyTorch's", async () => {
    const names = ["u", "delta", "a", "b", "c", "d"];
    const given = names.map((name) => of(scan.given[name]));
    for (const x of given) x.requiresGrad = true;
    const out = selectiveScan(...(given as Parameters<typeof selectiveScan>));
    out.mul(of(scan.weights)).sum().backward();
    await same("output", out, scan.out);
    for (const [i, name] of names.entries()) await same(name, given[i]!.grad, scan.grads[name]);
  });

  test("scores and gradients of the whole model are PyTorch's, from its state dict", async () => {
    const { d_model, n_layer, vocab_size, d_state, expand, d_conv } = whole.sizes;
    const model = new Mamba({
      dModel: d_model,
      nLayer: n_layer,
      vocabSize: vocab_size,
      dState: d_state,
      expand,
      dConv: d_conv,
    });
    const state = Object.entries<Values>(whole.state).map(([name, value]) => [name, of(value)]);
    nn.loadStateDict(model, Object.fromEntries(state));
    const out = model.forward(of(whole.tokens).int());
    out.mul(of(whole.weights)).sum().backward();
    await same("scores", out, whole.out);
    const own = nn.stateDict(model);
    for (const [name, grad] of Object.entries<Values>(whole.grads)) await same(name, own[name]!.grad, grad);
  });

  test("starts with a padded vocabulary, one table for both ends, and small steps", async () => {
    manualSeed(3);
    const model = new Mamba({ dModel: 20, nLayer: 1, vocabSize: 10 });
    const { mixer } = model.layers[0]!;
    expect(model.args.vocabSize).toBe(16);
    expect(model.lm_head.weight).toBe(model.embedding.weight);
    expect(mixer.x_proj.weight.shape).toEqual([2 + 16 + 16, 40]);
    expect(await mixer.A_log.exp().neg().at(7).tolist()).toEqual(
      Array.from({ length: 16 }, (_, i) => expect.closeTo(-1 - i, 4)),
    );
    const steps = await mixer.dt_proj.bias!.softplus().data();
    expect(Math.min(...steps)).toBeGreaterThan(0.000999);
    expect(Math.max(...steps)).toBeLessThan(0.1001);
    expect(nn.parameters(model)).toHaveLength(12);
  });
});
