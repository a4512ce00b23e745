// crate/methods/*.json → web/python/tinygrad/_methods.json: each row with its signature in Python, as tinygrad writes
// it, and what of it goes to the engine, in the order of the row's parameters.
import { camel, parameters } from "./parameters.mjs";

/** Tinygrad's names of parameters, by the method's. */
const NAMES = {
  where: { input: "x", other: "y" },
  clip: { min: "min_", max: "max_" },
  full: { value: "fill_value" },
  full_like: { value: "fill_value" },
};
const OPERATORS =
  "add sub mul div pow mod maximum minimum eq ne lt le gt ge idiv floordiv fmod matmul bitwise_and bitwise_or bitwise_xor lshift rshift";
for (const name of OPERATORS.split(" ")) NAMES[name] = { other: "x" };

/** What no rule gives: the signature, what is sent of it, and an example. */
const OWN = {
  cat: ["self, *args, dim=0", "joined(self, args), dim", "Tensor([1]).cat(Tensor([2, 3]))"],
  stack: ["self, *args, dim=0", "joined(self, args), dim", "Tensor.stack(Tensor([1, 2]), Tensor([3, 4]))"],
  meshgrid: [
    "self, *args, indexing='ij'",
    "one(args), indexing",
    "Tensor([1, 2, 3]).meshgrid(Tensor([4, 5]))",
  ],
  einsum: ["formula, *operands, dtype=None", "formula, one(operands), dtype"],
  rearrange: [
    "self, formula, **sizes",
    "formula, list(sizes.items())",
    'Tensor.arange(6).rearrange("(h w) -> w h", h=2)',
  ],
  gradient: [
    "self, *targets, gradient=None, materialize_grads=False",
    "one(targets), gradient, bool(materialize_grads)",
    "x = Tensor([1.0, 2.0]); x.square().sum().gradient(x)",
  ],
  full: [
    "shape, fill_value, dtype=None",
    "shape, plain(fill_value), dtype or dtypes.from_py(fill_value)",
    "Tensor.full((2, 3), 7)",
  ],
  full_like: ["self, fill_value, dtype=None", "plain(fill_value), dtype"],
  reshape: ["self, shape, *args", "sizes(self, spread(shape, args))"],
  expand: ["self, shape, *args", "sizes(self, spread(shape, args))"],
  at: ["self, *index", "*parts(index)", "Tensor.arange(12).reshape(3, 4).at(slice(None, None, 2), [1, 3])"],
  at_masked: ["self, *index", "*parts(index)"],
  with_at: [
    "self, index, value",
    "parts(index), value",
    "Tensor.zeros(3).with_at(slice(1, None), Tensor([5, 6]))",
  ],
  set_at: ["self, index, value", "parts(index), value", "Tensor.zeros(2, 2).set_at((0, slice(None)), 1)"],
  recurrent: [
    "self, cell, weights, state=(), bias=True, batch_first=False, bidirectional=False, dropout=0.0",
    "cell, weights, state, bias, batch_first, bidirectional, dropout",
  ],
  scatter: [undefined, undefined, "Tensor.zeros(4).scatter(0, Tensor([2, 0]), Tensor([5.0, 6.0]))"],
  scatter_reduce: [
    undefined,
    undefined,
    'Tensor.zeros(3).scatter_reduce(0, Tensor([1, 1]), Tensor([2.0, 3.0]), "sum")',
  ],
  qr: [undefined, undefined, "Tensor([[3.0, 1.0], [4.0, 2.0]]).qr()[1]"],
  svd: [undefined, undefined, "Tensor([[3.0, 1.0], [4.0, 2.0]]).svd()[1]"],
  uniform: [undefined, undefined, "Tensor.uniform(2, 3, low=-1, high=1)"],
  normal: [undefined, undefined, "Tensor.normal(2, 3, mean=5, std=0.1)"],
  randint: [undefined, undefined, "Tensor.randint(5, low=0, high=10)"],
  isnan: [undefined, undefined, 'Tensor([1, float("nan")]).isnan()'],
  isinf: [undefined, undefined, 'Tensor([1, float("inf")]).isinf()'],
  isfinite: [undefined, undefined, 'Tensor([1, float("nan"), float("inf")]).isfinite()'],
};

const literal = (text) => text.replace(/"/g, "'");

/** Tinygrad's name of a row's parameter. */
export const nameOf = (row, name) =>
  NAMES[row.name]?.[name] ?? (row.theme === "loss" && name === "target" ? "Y" : name);

function formOf(row) {
  const all = parameters(row);
  const creates = row.static !== undefined && (row.theme === "create" || row.theme === "random");
  const extra = creates ? ", device=None, requires_grad=None" : "";
  const typed = creates && !all.some((p) => p.name === "dtype") ? ", dtype=None" : "";
  const finish = (signature, sent) => ({ signature: signature + typed + extra, sent, creates });
  if (OWN[row.name]?.[0]) return finish(...OWN[row.name]);
  const self = row.static === true ? [] : ["self"];
  const signature = [];
  const sent = [];
  for (const p of all) {
    const own = nameOf(row, p.name);
    const variadic = p.many && row.static === true;
    if (variadic) signature.push(`*${own}`);
    else if (p.many) signature.push(own, "*args");
    else signature.push(p.default === undefined ? own : `${own}=${literal(p.default)}`);
    if (variadic) sent.push(`one(${own})`);
    else if (p.type === "slices") sent.push(`*spread(${own}, args)`);
    else if (p.many) sent.push(`spread(${own}, args)`);
    else sent.push(p.type === "bool" && !p.optional ? `bool(${own})` : own);
  }
  return finish([...self, ...signature].join(", "), sent.join(", "));
}

const VALUES = { true: "True", false: "False", null: "None", undefined: "None" };

/** An example of the table as Python writes it. */
function example(text) {
  return text
    .replace(/\bconst \[([\w, ]+)\] =/g, "$1 =")
    .replace(/\bconst (\w+)/g, "$1")
    .replace(/\b(await|new) /g, "")
    .replace(/\btensor\(/g, "Tensor(")
    .replace(/\{ ([^}]*) \}/g, (_, options) => options.replace(/(\w+): /g, "$1="))
    .replace(/\b(true|false|null|undefined)\b/g, (word) => VALUES[word])
    .replace(/(?<=[.(\s])[a-z\d]+[A-Z]\w*/g, snake);
}

const snake = (name) => name.replace(/(?<=[a-z\d])([A-Z])/g, (letter) => `_${letter.toLowerCase()}`);

/** The text of a row, with methods and values by their names in Python. */
const doc = (text, names) =>
  text
    .replace(/`(\w+)`/g, (all, word) => (names.has(word) ? `\`${snake(word)}\`` : all))
    .replace(/\bnull\b/g, "None");

/** The rows the engine runs, in its order. */
export function pythonRows(rows) {
  const names = new Set(rows.map((row) => camel(row.name)));
  return rows.map((row) => ({
    name: row.name,
    aliases: row.aliases ?? [],
    static: row.static ?? false,
    ...formOf(row),
    returns: row.returns ?? "tensor",
    parameters: parameters(row).map((p) => p.name),
    doc: doc(row.doc, names),
    example: OWN[row.name]?.[2] ?? example(row.example),
    source: row.source ?? "",
  }));
}
