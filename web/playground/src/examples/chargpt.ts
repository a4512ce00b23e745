import { tensor } from "playgrad";
import { GPT, Trainer } from "playgrad/mingpt";
import { plot, print, save, show, steps, text } from "playground";

// Put your own text into the panel and run again.
const source = text("text", {
  value: `The sea was grey in the morning.
The boat was small and the wind was cold.
The old man sat in the boat and looked at the sea.
He had a line, a lamp and a loaf of bread.

In the morning the fish were deep.
At noon the sun stood over the boat.
The old man ate half of the bread.
He sang a song of the sea and the wind.

In the night the moon stood over the sea.
The fish was long and grey, as long as the boat.
It looked at the old man and he looked at it.
He cut the line and the fish went home.`,
});

// A token is a character: its place among those of the text.
const letters = [...new Set(source)].sort();
const codes = [...source].map((c) => letters.indexOf(c));
const block = 32;
if (codes.length <= block)
  throw new Error("The text is too short: give a few lines.");

// Pieces of the text, and the same one character further on.
const starts = codes.slice(block).map((_, i) => i);
const dataset = starts.map((i): [number[], number[]] => [
  codes.slice(i, i + block),
  codes.slice(i + 1, i + block + 1),
]);

const model = new GPT({
  nLayer: 2,
  nHead: 2,
  nEmbd: 48,
  vocabSize: letters.length,
  blockSize: block,
});
save(model); // its weights: Export menu
const trainer = new Trainer(model, dataset, {
  learningRate: 2e-3,
  batchSize: 16,
});

async function write(): Promise<string> {
  const begin = tensor([codes.slice(0, 4)]).int();
  const made = model.generate(begin, 100, { temperature: 0.8 });
  const [written] = (await made.tolist()) as number[][];
  return written!.map((code) => letters[code]).join("");
}

for await (const step of steps(1000)) {
  plot({ loss: trainer.step() });
  if (step % 50 === 49) show(await write(), "written");
}
print(await write());
