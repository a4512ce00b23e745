import { type PythonRow, pythonRows } from "../../../../scripts/methods-python.mjs";
import { camel, type Parameter, parameters } from "../../../../scripts/parameters.mjs";
import { text } from "../text/reference";
import { inPython } from "./python";

/** The method table, as the page shows it. */

export type Language = keyof typeof text.languages;

interface Row {
  name: string;
  args?: string;
  doc: string;
  source?: string;
  example?: string;
  aliases?: string[];
  static?: boolean | "too";
  /** What JavaScript writes by hand: its signature. */
  face?: string;
  kind?: "class" | "function";
}

export interface Entry {
  id: string;
  theme: string;
  names: Record<Language, string>;
  aliases: Record<Language, string[]>;
  signatures: Record<Language, string>;
  docs: Record<Language, string>;
  source: string;
  examples: Record<Language, string>;
  inPython: boolean;
  /** Where it is found: a method of tensors, of the class, of both, or of a module. */
  of: "tensor" | "class" | "both" | "module";
  /** What a search looks through, lower case. */
  words: string;
}

const files: Record<string, Row[]> = import.meta.glob("../../../../crate/methods/*.json", {
  eager: true,
  import: "default",
});

const themeOf = (path: string) => path.replace(/^.*\/|\.json$/g, "");
const order = Object.keys(text.themes);
/** What JavaScript alone has. */
const elsewhere = new Set(
  (
    "to_text to_string dispose from custom_grad index at at_masked with_at set_at Tensor.grad " +
    "checkpoint vjp jvp hvp gradcheck BatchNorm1d Dropout Flatten Sequential " +
    "state_dict parameters save_safetensors load_safetensors open_safetensors load_torch"
  ).split(" "),
);
const literals: Record<string, string> = { True: "true", False: "false" };

const javaScriptPlaces: Record<string, string> = { autodiff: "", state: "", recurrent: "nn" };
const pythonPlaces: Record<string, string> = {
  autodiff: "",
  recurrent: "nn",
  optim: "nn.optim",
  state: "nn.state",
};

export const themes = Object.keys(files)
  .map(themeOf)
  .sort((a, b) => order.indexOf(a) - order.indexOf(b));

const rows = themes.flatMap((theme) => {
  const path = Object.keys(files).find((file) => themeOf(file) === theme) ?? "";
  return (files[path] ?? []).map((row) => ({ theme, ...row }));
});
const ran = rows.filter((row) => row.face === undefined && row.kind === undefined);
const python = new Map(pythonRows(ran).map((made, i) => [ran[i], made]));

export const entries: Entry[] = rows.map((row) => entryOf(row.theme, row, python.get(row)));

function entryOf(theme: string, row: Row, python?: PythonRow): Entry {
  const names = { js: row.kind === "class" ? row.name : camel(row.name), py: row.name };
  const aliases = row.aliases ?? [];
  const owner = (language: Language) => ownerOf(theme, row, language);
  const id = (row.kind ? `${theme}.` : row.static === true ? "Tensor." : "") + row.name;
  return {
    id,
    theme,
    names,
    aliases: { js: aliases.map(camel), py: aliases.filter((name) => !elsewhere.has(name)) },
    signatures: {
      js: owner("js") + names.js + (row.face ? "" : argumentsOf(row, "js")),
      py: owner("py") + names.py + (python ? pythonArguments(python.signature) : pythonFace(row)),
    },
    docs: { js: row.doc, py: python?.doc ?? row.doc },
    source: row.source ?? "",
    examples: { js: row.example ?? "", py: python?.example ?? inPython(row) },
    inPython: !elsewhere.has(row.name) && !elsewhere.has(id),
    of: row.kind ? "module" : row.static === "too" ? "both" : row.static ? "class" : "tensor",
    words: [row.name, names.js, ...aliases, row.args, row.doc, theme].join(" ").toLowerCase(),
  };
}

function pythonArguments(signature: string): string {
  return `(${signature.replace(/^self(, )?/, "")})`;
}

/** A property has no brackets. */
function pythonFace(row: Row): string {
  return row.face && !row.face.includes("(") ? "" : argumentsOf(row, "py");
}

function ownerOf(theme: string, row: Row, language: Language): string {
  if (row.kind === undefined) return row.static === true ? "Tensor." : language === "js" ? "x." : "t.";
  const place = (language === "js" ? javaScriptPlaces : pythonPlaces)[theme] ?? theme;
  const made = row.kind === "class" && language === "js" ? "new " : "";
  return made + (place ? `${place}.` : "");
}

/** `(axis?, { keepdim = false })` and `(axis=None, keepdim=False)`. */
export function argumentsOf(row: { name: string; args?: string }, language: Language): string {
  const show = (one: Parameter) => argument(one, language);
  const all = parameters(row);
  if (language === "py") return `(${all.map(show).join(", ")})`;
  const options = all.filter(({ keyword }) => keyword).map(show);
  const shown = all.filter(({ keyword }) => !keyword).map(show);
  if (options.length > 0) shown.push(`{ ${options.join(", ")} }`);
  return `(${shown.join(", ")})`;
}

function argument({ name, many, default: preset }: Parameter, language: Language): string {
  if (language === "py") {
    if (many) return `*${name}`;
    return preset === undefined ? name : `${name}=${preset}`;
  }
  if (many) return `...${camel(name)}`;
  if (preset === undefined) return camel(name);
  return preset === "None" ? `${camel(name)}?` : `${camel(name)} = ${literals[preset] ?? preset}`;
}

/** Entries that hold every word; those whose name begins with what was typed come first. */
export function find(query: string): Entry[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = entries.filter((entry) => words.every((word) => entry.words.includes(word)));
  const [first] = words;
  if (first === undefined) return found;
  const rank = ({ names }: Entry) => {
    const spelled = [names.js.toLowerCase(), names.py.toLowerCase()];
    if (spelled.includes(first)) return 0;
    if (spelled.some((name) => name.startsWith(first))) return 1;
    return spelled.some((name) => name.includes(first)) ? 2 : 3;
  };
  return found.toSorted((a, b) => rank(a) - rank(b));
}
