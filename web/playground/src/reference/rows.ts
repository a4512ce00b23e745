import { text } from "../text/reference";

/** The method table, as the page shows it. */

export type Language = keyof typeof text.languages;

interface Row {
  name: string;
  args?: string;
  doc: string;
  source?: string;
  example?: string;
  aliases?: string[];
  static?: boolean;
  kind?: "class" | "function";
}

export interface Entry {
  id: string;
  theme: string;
  names: Record<Language, string>;
  aliases: Record<Language, string[]>;
  signatures: Record<Language, string>;
  doc: string;
  source: string;
  example: string;
  /** What a search looks through, lower case. */
  words: string;
}

const files: Record<string, Row[]> = import.meta.glob("../../../../crate/methods/*.json", {
  eager: true,
  import: "default",
});

const themeOf = (path: string) => path.replace(/^.*\/|\.json$/g, "");
const order = Object.keys(text.themes);
const literals: Record<string, string> = { None: "null", True: "true", False: "false" };

export const themes = Object.keys(files)
  .map(themeOf)
  .sort((a, b) => order.indexOf(a) - order.indexOf(b));

export const entries: Entry[] = themes.flatMap((theme) => {
  const path = Object.keys(files).find((file) => themeOf(file) === theme) ?? "";
  return (files[path] ?? []).map((row) => entryOf(theme, row));
});

function entryOf(theme: string, row: Row): Entry {
  const names = { js: row.kind === "class" ? row.name : camel(row.name), py: row.name };
  const aliases = row.aliases ?? [];
  const owner = (language: Language) => ownerOf(theme, row, language);
  return {
    id: (row.kind ? `${theme}.` : row.static ? "Tensor." : "") + row.name,
    theme,
    names,
    aliases: { js: aliases.map(camel), py: aliases },
    signatures: {
      js: owner("js") + names.js + argumentsOf(row.args, "js"),
      py: owner("py") + names.py + argumentsOf(row.args, "py"),
    },
    doc: row.doc,
    source: row.source ?? "",
    example: row.example ?? "",
    words: [row.name, names.js, ...aliases, row.args, row.doc, theme].join(" ").toLowerCase(),
  };
}

export function camel(name: string): string {
  return name.replace(/(?<=.)_([a-z0-9])/g, (_, letter) => letter.toUpperCase());
}

function ownerOf(theme: string, row: Row, language: Language): string {
  if (row.kind === undefined) return row.static ? "Tensor." : "x.";
  const place = theme === "state" && language === "js" ? "" : theme;
  const made = row.kind === "class" && language === "js" ? "new " : "";
  return made + (place ? `${place}.` : "");
}

/** `(axis, { keepdim = false })` and `(axis=None, keepdim=False)` from `axis: axes = None, *, keepdim: bool = False`. */
export function argumentsOf(args: string | undefined, language: Language): string {
  if (args === undefined) return "";
  const parts = args.split(/,(?![^([{]*[)\]}])/).map((part) => part.trim());
  const star = parts.indexOf("*");
  const show = (part: string) => argument(part, language);
  if (language === "py" || star < 0)
    return `(${parts
      .filter((p) => p && p !== "*")
      .map(show)
      .join(", ")})`;
  const options = `{ ${parts
    .slice(star + 1)
    .map(show)
    .join(", ")} }`;
  return `(${[...parts.slice(0, star).map(show), options].join(", ")})`;
}

function argument(part: string, language: Language): string {
  const [, name = "", type = "", preset] = /^(\w+)\s*:\s*([^=]*?)\s*(?:=\s*(.*))?$/.exec(part) ?? [];
  if (/^(shape|dims)$/.test(type)) return language === "js" ? `...${camel(name)}` : `*${name}`;
  if (preset === undefined) return language === "js" ? camel(name) : name;
  if (language === "py") return `${name}=${preset}`;
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
