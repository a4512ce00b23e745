// crate/methods/*.json → web/package/src/generated/methods.ts: what installs the methods, and their types; and
// web/python/tinygrad/_methods.json, the same for Python.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { pythonRows } from "./methods-python.mjs";
import { camel, parameters } from "./parameters.mjs";

const root = join(import.meta.dirname, "..");
const folder = join(root, "crate", "methods");

/** Every row of the table with its theme, in the order in which the engine numbers them. */
export const rows = () =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .sort()
    .flatMap((file) => {
      const theme = file.slice(0, -".json".length);
      return JSON.parse(readFileSync(join(folder, file), "utf8")).map((row) => ({ theme, ...row }));
    });

/** Whether the engine runs the row; a language's face writes the others by hand. */
export const runs = (row) => row.face === undefined && row.kind === undefined;

const TYPES = {
  tensor: "Tensor",
  operand: "Operand",
  number: "number",
  int: "number",
  size: "number",
  float: "number",
  bool: "boolean",
  str: "string",
  dtype: "DTypeLike",
  axes: "Axes",
  ints: "Axes",
  sizes: "Axes",
  floats: "Axes",
  ranges: "readonly (readonly [number, number] | null)[]",
  pads: "readonly number[] | readonly (readonly [number, number] | null)[]",
  any: "string | number | readonly (readonly [string, number])[]",
  tensors: "readonly Tensor[]",
  index: "Index[]",
  slices: "Slice[]",
  shape: "Shape",
  dims: "Shape",
};

const RESULTS = {
  tensor: "Tensor",
  tensors: "Tensor[]",
  bool: "boolean",
  int: "number",
  float: "number",
  str: "string",
  "async tensor": "Promise<Tensor>",
  "async tensors": "Promise<Tensor[]>",
};

const typed = ({ name, type, optional, only }) => {
  if (!(type in TYPES)) throw new Error(`the parameter ${name} has the unknown type ${type}`);
  return only ?? (optional ? `${TYPES[type]} | null` : TYPES[type]);
};
const written = (p) => `${camel(p.name)}${p.default === undefined ? "" : "?"}: ${typed(p)}`;

/** The parameter list in TypeScript. */
export const signature = (row) => listed(parameters(row));

function listed(all) {
  const list = all.filter((p) => !p.keyword);
  const options = all.filter((p) => p.keyword);
  const named = `{ ${options.map(written).join("; ")} }`;
  const required = options.some((p) => p.default === undefined);
  const first = list[0];
  if (list.length === 1 && ["shape", "dims", "slices", "index"].includes(first.type)) {
    const items = { slices: "Slice[]", index: "Index[]" }[first.type] ?? "number[]";
    const forms = [items, ...(items === "number[]" ? [`[${first.name}: Shape]`] : [])];
    if (options.length > 0) forms.push(`[...${items}, ${named}]`);
    if (options.length > 0 && items === "number[]") forms.push(`[${first.name}: Shape, options: ${named}]`);
    return `...${camel(first.name)}: ${forms.join(" | ")}`;
  }
  const asked = (p) => (p.default === undefined ? written(p) : `${camel(p.name)}: ${typed(p)} | undefined`);
  const parts = list.map(required ? asked : written);
  if (options.length > 0) parts.push(`options${required ? "" : "?"}: ${named}`);
  return parts.join(", ");
}

function comment(row) {
  const standards = parameters(row).filter((p) => p.default !== undefined && p.default !== "None");
  const told = standards.map((p) =>
    `${camel(p.name)} ${p.default}`.replace(/True|False/, (w) => w.toLowerCase()),
  );
  const lines = [
    ...row.doc.split("\n"),
    ...(told.length > 0 ? [`Unless told: ${told.join(", ")}.`] : []),
    `@example ${row.example}`,
    ...(row.source ? [`@see ${row.source}`] : []),
  ];
  return `  /**\n${lines.map((line) => `   * ${line}`).join("\n")}\n   */\n`;
}

/** Parameters and result; two of them where an option `return_…` decides whether there are several tensors. */
function forms(row) {
  const all = parameters(row);
  const returns = row.returns ?? "tensor";
  if (returns in RESULTS) return [[listed(all), RESULTS[returns]]];
  const flag = all.find((p) => p.name.startsWith("return_"));
  if (returns !== "tensor | tensors" || !flag?.keyword)
    throw new Error(`${row.theme}.json: ${row.name}: unknown \`returns\` ${returns}`);
  const with_ = (more) => listed(all.map((p) => (p === flag ? { ...p, ...more } : p)));
  return [
    [with_({ only: "true", default: undefined }), "Tensor[]"],
    [with_({ only: "false" }), "Tensor"],
  ];
}

const declare = (row, prefix = "") => {
  const name = camel(row.name);
  const all = forms(row).map(
    ([list, result]) =>
      `${comment(row)}  ${name}(${[prefix, list].filter(Boolean).join(", ")}): ${result};\n`,
  );
  const where = row.static === true || prefix ? "TensorStatics" : "TensorMethods";
  for (const alias of row.aliases ?? []) {
    all.push(`  /** \`${name}\` by its other name. */\n  ${camel(alias)}: ${where}["${name}"];\n`);
  }
  return all.join("");
};

/** The sum that `crate/build.rs` forms too. */
const checksum = (list) => {
  let sum = 0;
  for (const { name, args = "" } of list)
    for (const unit of `${name}(${args})\n`)
      for (let i = 0; i < unit.length; i++) sum = (Math.imul(sum, 31) + unit.charCodeAt(i)) >>> 0;
  return sum;
};

/** One line a method: `.` where it is of the class, `+` where it is too, `~` where it waits; names; parameters. */
function line(row) {
  const where = row.static === true ? "." : row.static === "too" ? "+" : "";
  const waits = row.returns?.startsWith("async") ? "~" : "";
  const names = [row.name, ...(row.aliases ?? [])].join("=");
  return [where + waits + names, ...parameters(row).map((p) => p.name)].join(" ");
}

export function generate() {
  const list = rows().filter(runs);
  const declareAll = (which, first) =>
    list
      .filter(which)
      .map((row) => declare(row, first))
      .join("");
  const types = `/** What every tensor can do. */
export interface TensorMethods {
${declareAll((row) => row.static !== true)}}

/** How tensors are made and joined. */
export interface TensorStatics {
${declareAll((row) => row.static === true)}${declareAll((row) => row.static === "too", "x: Tensor")}}
`;
  const code = types.replace(/\/\*[\s\S]*?\*\//g, "");
  const text = `// Made by scripts/methods.mjs of crate/methods/*.json.
import type { DTypeLike } from "../dtype.js";
import type { Axes, Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import type { ${["Index", "Operand", "Slice"].filter((name) => new RegExp(`\\b${name}\\b`).test(code)).join(", ")} } from "../types.js";

/** Of the table, to be compared with the engine's. @internal */
export const CHECKSUM = ${checksum(list)};

/** @internal */
export const SPEC =
  "${list.map(line).join(";")}";

${types}`;
  const to = join(root, "web", "package", "src", "generated");
  mkdirSync(to, { recursive: true });
  writeFileSync(join(to, "methods.ts"), text);
  const python = JSON.stringify(pythonRows(list), null, 1);
  writeFileSync(join(root, "web", "python", "tinygrad", "_methods.json"), `${python}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) generate();
