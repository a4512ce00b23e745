import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { init, manualSeed, nn, Tensor, tensor } from "../dist/index.js";
import { GPT, type GPTSize, parameterCount, sizes, Trainer } from "../dist/mingpt/index.js";

/** PyTorch's values, written by tests/reference/mingpt.py. */
interface Values {
  shape: number[];
  values: number[];
}
const file = new URL("../../../tests/reference/mingpt.json", import.meta.url);
const reference = JSON.parse(readFileSync(file, "utf8"));
const of = ({ shape, values }: Values) => tensor(Float32Array.from(values), { shape });

async function same(what: string, got: Tensor | null | undefined, expected: Values) {
  expect(got?.shape, what).toEqual(expected.shape);
  const values = await got!.data();
  const apart = expected.values.map((value, i) => Math.abs(value - values[i]!) / (1 + Math.abs(value)));
  expect(Math.max(...apart), what).toBeLessThan(1e-4);
}

function stored(): GPT {
  const { n_layer, n_head, n_embd, vocab_size, block_size } = reference.sizes;
  const model = new GPT({
    nLayer: n_layer,
    nHead: n_head,
    nEmbd: n_embd,
    vocabSize: vocab_size,
    blockSize: block_size,
  });
  const state = Object.entries<Values>(reference.state).map(([name, value]) => [name, of(value)]);
  nn.loadStateDict(model, Object.fromEntries(state));
  return model;
}

beforeAll(() => init({ device: "cpu" }));

describe("GPT", () => {
  test("logits, loss, attention and gradients are PyTorch's, from its state dict", async () => {
    const model = stored();
    const tokens = of(reference.tokens).int();
    await same("logits", model.forward(tokens), reference.logits);
    await same("attention", model.attention(tokens)[0], reference.attention);
    const loss = model.loss(tokens, of(reference.targets).int());
    loss.backward();
    await same("loss", loss, reference.loss);
    const own = nn.stateDict(model);
    expect(Object.keys(own).sort()).toEqual(Object.keys(reference.grads).sort());
    for (const [name, grad] of Object.entries<Values>(reference.grads))
      await same(name, own[name]!.grad, grad);
  });

  // GPT-2's numbers are its checkpoints'; the first GPT's leaves out the final norm. minGPT's own sizes have the
  // vocabulary and the block of its sorting demo.
  test("named models have as many weights as published", () => {
    const [first, second, sorting] = [
      { vocabSize: 40_478, blockSize: 512 },
      { vocabSize: 50_257, blockSize: 1024 },
      { vocabSize: 3, blockSize: 11 },
    ];
    const expected = {
      "openai-gpt": [first, 116_534_784 + 2 * 768],
      gpt2: [second, 124_439_808],
      "gpt2-medium": [second, 354_823_168],
      "gpt2-large": [second, 774_030_080],
      "gpt2-xl": [second, 1_557_611_200],
      "gopher-44m": [sorting, 25_227_264],
      "gpt-mini": [sorting, 2_672_256],
      "gpt-micro": [sorting, 795_136],
      "gpt-nano": [sorting, 85_584],
    } as const;
    expect(Object.keys(expected)).toEqual(Object.keys(sizes));
    for (const [name, [of, count]] of Object.entries(expected))
      expect(parameterCount({ modelType: name as GPTSize, ...of }), name).toBe(count);
    for (const modelType of ["gpt-nano", "gpt-micro", "gpt-mini"] as const) {
      const options = { modelType, vocabSize: 100, blockSize: 64 };
      const model = new GPT(options);
      const made = nn.parameters(model).reduce((sum, { numel }) => sum + numel, 0);
      expect(made - model.lm_head.weight.numel, modelType).toBe(parameterCount(options));
    }
  });

  test("writes what the logits of the whole text say, also beyond its block", async () => {
    const model = stored();
    const start = [3, 1, 4];
    const text = [...start];
    for (let i = 0; i < 6; i++) {
      const logits = model.forward(tensor([text.slice(-6)]).int());
      text.push(await logits.at(0).at(-1).argmax().item());
    }
    const made = model.generate(tensor([start]).int(), 6, { sample: false });
    expect(await made.tolist()).toEqual([text]);
    expect(await model.next(start, { sample: false })).toBe(text[3]);
    const likeliest = model.generate(tensor([start]).int(), 6, { topK: 1 });
    expect(await likeliest.tolist()).toEqual([text]);
  });

  test("learns a sequence, counts its steps and writes it", async () => {
    manualSeed(1);
    const model = new GPT({ nLayer: 1, nHead: 2, nEmbd: 16, vocabSize: 4, blockSize: 4 });
    const trainer = new Trainer(
      model,
      [
        [
          [0, 1, 2, 3],
          [1, 2, 3, 0],
        ],
      ],
      { learningRate: 1e-2, batchSize: 8 },
    );
    const first = await trainer.step().item();
    expect(first).toBeCloseTo(Math.log(4), 1);
    for (let i = 0; i < 60; i++) trainer.step();
    expect(await trainer.step().item()).toBeLessThan(0.1);
    expect(trainer.steps).toBe(62);
    expect(await model.generate(tensor([[0]]).int(), 3, { sample: false }).tolist()).toEqual([[0, 1, 2, 3]]);
  });

  // minGPT's sort: its model, sizes, settings and number of draws. A quarter of the lists is never learned.
  test("gpt-nano sorts 5,000 of 5,000 lists it never saw, within 2,000 iterations", {
    timeout: 120_000,
  }, async () => {
    manualSeed(1);
    const length = 6;
    const lists = Array.from({ length: 3 ** length }, (_, i) =>
      Array.from({ length }, (_, k) => Math.floor(i / 3 ** k) % 3),
    );
    const pairs = lists
      .filter((_, i) => i % 4 !== 0)
      .map((list) => {
        const both = [...list, ...[...list].sort()];
        return [both.slice(0, -1), both.slice(1).fill(-1, 0, length - 1)] as const;
      });
    const unseen = tensor(lists.filter((_, i) => i % 4 === 0)).int();
    const model = new GPT({ modelType: "gpt-nano", vocabSize: 3, blockSize: 2 * length - 1 });
    const trainer = new Trainer(model, pairs, { batchSize: 64, learningRate: 5e-4 });

    const draws = 5000;
    let right = 0;
    while (right < draws && trainer.steps < 2000) {
      for (let i = 0; i < 50; i++) trainer.step();
      // What it writes depends on the list alone: each is written once, however often it is drawn.
      const written = model.generate(unseen, length, { sample: false }).slice(null, [length, 2 * length]);
      const sorted = written.eq(unseen.sort(1)[0]!).all(1).int();
      right = await sorted
        .index(Tensor.randint([draws], 0, unseen.shape[0]))
        .sum()
        .item();
    }
    console.log(`${right} of ${draws} drawn lists sorted after ${trainer.steps} iterations`);
    expect(right).toBe(draws);
  });

  test("says what is wrong with sizes, tokens and data", async () => {
    const small = { nLayer: 1, nHead: 2, nEmbd: 4, vocabSize: 3, blockSize: 2 };
    expect(() => new GPT({ ...small, nHead: 3 })).toThrow(/3 heads for a width of 4/);
    expect(() => new GPT({ modelType: "gpt-9" as GPTSize, vocabSize: 3, blockSize: 2 })).toThrow(/gpt-nano/);
    const model = new GPT(small);
    expect(() => model.forward(tensor([[0, 1, 2]]).int())).toThrow(/at most 2 tokens/);
    await expect(model.next([])).rejects.toThrow(/at least one to go on from/);
    expect(() => new Trainer(model, [])).toThrow(/an empty dataset/);
  });
});
