import { camel, parameters } from "../../../../scripts/parameters.mjs";

/** Snippets of rows that each language writes by hand, from JavaScript to tinygrad's Python. */

const words: [RegExp, string][] = [
  [/\btrue\b/g, "True"],
  [/\bfalse\b/g, "False"],
  [/\bnull\b/g, "None"],
  [/\bawait |\bnew |\bconst /g, ""],
  [/\btensor\(/g, "Tensor("],
  [/\.forward\(/g, "("],
  [/\bnn\.parameters\b/g, "nn.state.get_parameters"],
  [/\bnn\.stateDict\b/g, "nn.state.get_state_dict"],
  [/\bnn\.loadStateDict\b/g, "nn.state.load_state_dict"],
  [/(?<![\w.])optim\./g, "nn.optim."],
  [/\((\w+)\) => /g, "lambda $1: "],
  [/; ?/g, "\n"],
];

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** JavaScript's numbers are floats; a list of Python's tells whole numbers apart. */
const floats = (list: string) => list.replace(/(?<![\w.])\d+(?![\w.])/g, "$&.0");

export function inPython({
  example = "",
  ...row
}: {
  name: string;
  args?: string;
  example?: string;
}): string {
  const named = new Map(parameters(row).map(({ name }) => [camel(name).toLowerCase(), name]));
  let code = example.replace(
    /\btensor\((\[[^(){}]*\])(?!, \{ dtype)/g,
    (_, list) => `tensor(${floats(list)}`,
  );
  for (const [from, to] of words) code = code.replace(from, to);
  code = code.replace(/\{ ([^{}]*) \}/g, (_, inner: string) =>
    inner.replace(/(\w+): /g, (_, name: string) => `${named.get(name.toLowerCase()) ?? snake(name)}=`),
  );
  return code.replace(/(?<=\.)[a-z]\w*/g, snake).trim();
}
