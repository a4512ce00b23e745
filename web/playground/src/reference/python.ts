/** A snippet of the method table, written in JavaScript, as tinygrad's Python writes it. */

const words: [RegExp, string][] = [
  [/\btrue\b/g, "True"],
  [/\bfalse\b/g, "False"],
  [/\bnull\b/g, "None"],
  [/-Infinity\b/g, 'float("-inf")'],
  [/\bInfinity\b/g, 'float("inf")'],
  [/\bNaN\b/g, 'float("nan")'],
  [/\bawait |\bnew |\bconst /g, ""],
  [/\btensor\(|\bTensor\.from\(/g, "Tensor("],
  [/\.forward\(/g, "("],
  [/\bnn\.(parameters|stateDict|loadStateDict)\b/g, "nn.state.$1"],
  [/\bstate\.parameters\b/g, "state.get_parameters"],
  [/\bstate\.stateDict\b/g, "state.get_state_dict"],
  [/(?<![\w.])optim\./g, "nn.optim."],
  [/\((\w+)\) => /g, "lambda $1: "],
  [/; ?/g, "\n"],
];

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

export function inPython(example: string): string {
  let code = example;
  for (const [from, to] of words) code = code.replace(from, to);
  // Options become named arguments; methods of lower case get underscores, classes keep their capitals.
  code = code.replace(/\{ ([^{}]*) \}/g, (_, inner: string) =>
    inner.replace(/(\w+): /g, (_, name: string) => `${snake(name)}=`),
  );
  return code.replace(/(?<=\.)[a-z]\w*/g, snake).trim();
}
