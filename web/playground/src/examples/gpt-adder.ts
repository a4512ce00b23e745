import { tensor } from "playgrad";
import { GPT, Trainer } from "playgrad/mingpt";
import { plot, print, save, steps } from "playground";

// A sum is 7 digits: 85 + 47 = 132 is 8 5 4 7 2 3 1. The result is
// written from its end, as one adds by hand: a carry goes leftwards.
function sum(a: number, b: number): number[] {
  const text = String(a + b).padStart(3, "0");
  const two = (n: number) => [Math.floor(n / 10), n % 10];
  const result = [...text].map(Number).toReversed();
  return [...two(a), ...two(b), ...result];
}

// All 10,000 sums; each seventh is never learned.
const all = Array.from({ length: 10_000 }, (_, i) =>
  sum(Math.floor(i / 100), i % 100),
);
const learned = all.filter((_, i) => i % 7 !== 0);
const unseen = all.filter((_, i) => i % 7 === 0);

// The model says after each digit what comes next. The numbers to
// add cannot be known: their targets are -1, "do not ask".
function pair(digits: number[]): [number[], number[]] {
  return [digits.slice(0, 6), [-1, -1, -1, ...digits.slice(4)]];
}

const model = new GPT({
  nLayer: 2,
  nHead: 2,
  nEmbd: 32,
  vocabSize: 10,
  blockSize: 6,
  embdPdrop: 0,
  residPdrop: 0,
  attnPdrop: 0,
});
save(model); // its weights: Export menu
const trainer = new Trainer(model, learned.map(pair), {
  learningRate: 3e-3,
  batchSize: 128,
});

const sums = tensor(unseen).int();
async function countRight(): Promise<number> {
  const asked = sums.slice(null, [0, 4]);
  const made = model.generate(asked, 3, { sample: false });
  return made.eq(sums).all(1).int().sum().item();
}

for await (const step of steps(5000)) {
  plot({ loss: trainer.step() });
  if (step % 100 !== 99) continue;

  const right = await countRight();
  plot({ right });
  if (right >= 0.99 * unseen.length) break;
}

const asked = tensor([[8, 5, 4, 7]]).int();
const made = model.generate(asked, 3, { sample: false });
const [digits] = (await made.tolist()) as number[][];
print("85 + 47 =", digits!.slice(4).toReversed().join(""));
print(await countRight(), "of", unseen.length, "unseen sums");
