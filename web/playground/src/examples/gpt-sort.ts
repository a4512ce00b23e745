import { tensor } from "playgrad";
import { GPT, Trainer } from "playgrad/mingpt";
import { plot, print, save, show, steps } from "playground";

// Every list of six digits 0, 1, 2; each fourth is never learned.
const all = Array.from({ length: 3 ** 6 }, (_, i) =>
  [1, 3, 9, 27, 81, 243].map((k) => Math.floor(i / k) % 3),
);
const learned = all.filter((_, i) => i % 4 !== 0);

// One sequence: a list, then the same list in order. The model sees
// 11 digits and says after each what comes next. Only the second
// half can be known: the first five targets are -1, "do not ask".
function pair(list: number[]): [number[], number[]] {
  const both = [...list, ...list.toSorted()];
  const next = [-1, -1, -1, -1, -1, ...both.slice(6)];
  return [both.slice(0, 11), next];
}

const model = new GPT({
  nLayer: 2,
  nHead: 2,
  nEmbd: 32,
  vocabSize: 3,
  blockSize: 11,
});
save(model); // its weights: Export menu
const trainer = new Trainer(model, learned.map(pair), {
  learningRate: 2e-3,
});

// The model writes six digits after each list.
const lists = tensor(all).int();
const sorted = lists.sort(1)[0]!;
async function countRight(): Promise<number> {
  const made = model.generate(lists, 6, { sample: false });
  const same = made.slice(null, [6, 12]).eq(sorted).all(1);
  return same.int().sum().item();
}

const example = [2, 0, 1, 1, 0, 2];
const [digits] = pair(example);

for await (const step of steps(2000)) {
  plot({ loss: trainer.step() });
  if (step % 50 !== 49) continue;

  const right = await countRight();
  plot({ right });
  for (const [i, map] of model
    .attention(tensor([digits]).int())
    .entries())
    show(
      map.squeeze(0),
      `attention, block ${i + 1}`,
      digits.map(String),
    );
  if (right === all.length) break;
}

const written = model.generate(tensor([example]).int(), 6, {
  sample: false,
});
print("a list, then in order:", written);
print(await countRight(), "of", all.length, "lists are right");
