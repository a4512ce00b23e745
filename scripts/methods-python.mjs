// crate/methods/*.json → web/python/tinygrad/_methods.json: each row with its signature in Python, as tinygrad writes
// it, and what of it goes to the engine, in the order of the row's parameters.
import { camel, parameters } from "./parameters.mjs";

/** Tinygrad's names of parameters, by the method's. */
const NAMES = {
  where: { input: "x", other: "y" },
  clip: { min: "min_", max: "max_" },
  full: { value: "fill_value" },
  full_like: { value: "fill_value" },
  shrink: { ranges: "arg" },
};
const OPERATORS =
  "add sub mul div pow mod maximum minimum eq ne lt le gt ge idiv floordiv fmod matmul bitwise_and bitwise_or bitwise_xor lshift rshift";
for (const name of OPERATORS.split(" ")) NAMES[name] = { other: "x" };

/** What no rule gives: the signature, and what is sent of it. */
const OWN = {
  cat: ["self, *args, dim=0", "joined(self, args), dim"],
  stack: ["self, *args, dim=0", "joined(self, args), dim"],
  meshgrid: ["self, *args, indexing='ij'", "one(args), indexing"],
  einsum: ["formula, *operands, dtype=None", "formula, one(operands), dtype"],
  rearrange: ["self, formula, **sizes", "formula, list(sizes.items())"],
  gradient: [
    "self, *targets, gradient=None, materialize_grads=False",
    "one(targets), gradient, bool(materialize_grads)",
  ],
  full: [
    "shape, fill_value, dtype=None, device=None, buffer=True, requires_grad=None",
    "shape, plain(fill_value), dtype or dtypes.from_py(fill_value)",
  ],
  full_like: [
    "self, fill_value, dtype=None, device=None, buffer=True, requires_grad=None",
    "plain(fill_value), dtype",
  ],
  reshape: ["self, shape, *args", "sizes(self, spread(shape, args))"],
  expand: ["self, shape, *args", "sizes(self, spread(shape, args))"],
  at: ["self, *index", "*parts(index)"],
  at_masked: ["self, *index", "*parts(index)"],
  with_at: ["self, index, value", "parts(index), value"],
  set_at: ["self, index, value", "parts(index), value"],
  recurrent: [
    "self, cell, weights, state=(), bias=True, batch_first=False, bidirectional=False, dropout=0.0",
    "cell, weights, state, bias, batch_first, bidirectional, dropout",
  ],
  randint: ["*shape, low=0, high=10, dtype=dtypes.int", "one(shape), low, high"],
  randperm: ["n, device=None, dtype=dtypes.int, requires_grad=None", "n"],
  rand: ["*shape, device=None, dtype=None, contiguous=True, requires_grad=None", "one(shape), dtype"],
};

/** Where Python writes the example in another way. */
const EXAMPLES = {
  at: "Tensor.arange(12).reshape(3, 4).at(slice(None, None, 2), [1, 3])",
  cat: "Tensor([1]).cat(Tensor([2, 3]))",
  full: "Tensor.full((2, 3), 7)",
  gradient: "x = Tensor([1.0, 2.0]); x.square().sum().gradient(x)",
  isfinite: 'Tensor([1, float("nan"), float("inf")]).isfinite()',
  isinf: 'Tensor([1, float("inf")]).isinf()',
  isnan: 'Tensor([1, float("nan")]).isnan()',
  meshgrid: "Tensor([1, 2, 3]).meshgrid(Tensor([4, 5]))",
  normal: "Tensor.normal(2, 3, mean=5, std=0.1)",
  qr: "Tensor([[3.0, 1.0], [4.0, 2.0]]).qr()[1]",
  randint: "Tensor.randint(5, low=0, high=10)",
  rearrange: 'Tensor.arange(6).rearrange("(h w) -> w h", h=2)',
  scatter: "Tensor.zeros(4).scatter(0, Tensor([2, 0]), Tensor([5.0, 6.0]))",
  scatter_reduce: 'Tensor.zeros(3).scatter_reduce(0, Tensor([1, 1]), Tensor([2.0, 3.0]), "sum")',
  set_at: "Tensor.zeros(2, 2).set_at((0, slice(None)), 1)",
  stack: "Tensor.stack(Tensor([1, 2]), Tensor([3, 4]))",
  svd: "Tensor([[3.0, 1.0], [4.0, 2.0]]).svd()[1]",
  uniform: "Tensor.uniform(2, 3, low=-1, high=1)",
  with_at: "Tensor.zeros(3).with_at(slice(1, None), Tensor([5, 6]))",
};

const literal = (text) => text.replace(/"/g, "'").replace(/^\[(.*)\]$/, "($1)");

/** Tinygrad's name of a row's parameter. */
export const nameOf = (row, name) =>
  NAMES[row.name]?.[name] ?? (row.theme === "loss" && name === "target" ? "Y" : name);

/** As the inside of a tuple in Python. */
const listed = (parts) => parts.map((part) => `${part},`).join(" ");

function formOf(row) {
  const all = parameters(row);
  const creates = row.static !== undefined && (row.theme === "create" || row.theme === "random");
  const more = (signature) => (signature.includes("device=") ? "" : ", device=None, requires_grad=None");
  const typed = creates && !all.some((p) => p.name === "dtype") ? ", dtype=None" : "";
  const finish = (signature, sent, defaults) => ({
    signature: creates ? signature + more(signature) : signature,
    sent: listed(sent),
    defaults: listed(defaults),
    creates,
  });
  if (OWN[row.name]) return finish(OWN[row.name][0], [OWN[row.name][1]], []);
  const self = row.static === true ? [] : ["self"];
  const signature = [];
  const sent = [];
  const defaults = [];
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
    defaults.push(p.default === undefined ? "..." : literal(p.default));
  }
  return finish([...self, ...signature].join(", ") + typed, sent, defaults);
}

/** Where Python has another form. */
const DOCS = {
  at: "`x[index]` with the parts of the index as arguments: ints, slices, None, `...`, lists, masks and int tensors, as in NumPy. Positions in tensors outside the axis give 0; elsewhere they are a `ShapeError`.",
  at_masked:
    "`x[index]` with masks among the parts of the index, which are arguments: the number of true elements is read back first.",
  with_at:
    "A copy with `value` (cast, broadcast) at `index`, which is what stands in `x[index]`. Of several values for one place the last stays. Gradients flow to what stays of both.",
  set_at: "`x[index] = value`; gives this tensor. Tensors computed before keep the old value.",
};

const VALUES = { true: "True", false: "False", null: "None", undefined: "None" };

/** An example of the table as Python writes it. */
function example(text) {
  return text
    .replace(/\bconst \[([\w, ]+)\] =/g, "$1 =")
    .replace(/\bconst (\w+)/g, "$1")
    .replace(/\b(await|new) /g, "")
    .replace(/\btensor\(/g, "Tensor(")
    .replace(/(Tensor\(\[[-\d, [\]]+\]\))\.int\(\)/g, "$1")
    .replace(/\{ ([^}]*) \}/g, (_, options) => options.replace(/(\w+): /g, "$1="))
    .replace(/\b(true|false|null|undefined)\b/g, (word) => VALUES[word])
    .replace(/(?<=[.(\s])[a-z\d]+[A-Z]\w*/g, snake);
}

const snake = (name) => name.replace(/(?<=[a-z\d])([A-Z])/g, (letter) => `_${letter.toLowerCase()}`);

/** The text of a row, with methods, values and parameters by their names in Python. */
function doc(row, methods) {
  const renamed = Object.fromEntries(parameters(row).map(({ name }) => [name, nameOf(row, name)]));
  // The tensor itself, where a parameter has taken its name.
  const own = Object.values(renamed).includes("x") ? { x: "self" } : {};
  const word = (name) => ({ ...own, ...renamed })[name] ?? (methods.has(name) ? snake(name) : name);
  return row.doc
    .replace(/`[^`]*`/g, (code) => code.replace(/(?<!\.)\b[a-z]\w*/g, word))
    .replace(/\bnull\b/g, "None");
}

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
    doc: DOCS[row.name] ?? doc(row, names),
    example: EXAMPLES[row.name] ?? example(row.example),
    source: row.source ?? "",
  }));
}
