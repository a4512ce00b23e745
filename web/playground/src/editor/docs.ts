import type { Completion } from "@codemirror/autocomplete";
import type { Language } from "../protocol";
import { type Entry, entries } from "../reference/rows";
import { type Doc, helpers, members } from "../text/helpers";

/** What there is to know of a name, by where it stands. Loaded when an editor first asks. */

export interface Topic extends Doc {
  also: readonly string[];
  /** Its place on the reference page. */
  link: string | null;
  type: "method" | "property" | "class" | "function" | "constant";
}

/** Topics by name: of tensors, of the class, of each module, and of those that stand alone. */
export type Library = Record<string, Map<string, Topic>>;

const loose = ["nn", "optim", "state", "datasets", "helpers"];

const bare = { doc: "", example: "", also: [], link: null, type: "constant" } as const;
const libraries: Partial<Record<Language, Library>> = {};

export function library(language: Language): Library {
  const known = libraries[language];
  if (known) return known;
  const made: Library = {};
  libraries[language] = made;
  for (const entry of entries) place(made, entry, language);
  for (const doc of helpers[language]) {
    const [name = "", owner = ""] = doc.name.split(".").reverse();
    const type = owner === "Device" ? "constant" : owner === "x" ? "method" : "function";
    add(made, owner, name, { ...doc, name, also: [], link: null, type });
  }
  if (language === "python")
    for (const [owner, names] of Object.entries(members))
      for (const name of names.split(" "))
        if (!made[owner]?.has(name)) add(made, owner, name, { ...bare, name, signature: `${owner}.${name}` });
  return made;
}

function place(library: Library, entry: Entry, language: Language): void {
  if (language === "python" && !entry.inPython) return;
  const spelling = language === "python" ? "py" : "js";
  const topic: Topic = {
    name: entry.names[spelling],
    signature: entry.signatures[spelling],
    doc: entry.docs[spelling],
    example: entry.examples[spelling],
    also: entry.aliases[spelling],
    link: `./reference.html?in=${spelling}#${encodeURIComponent(entry.id)}`,
    type: typeOf(entry),
  };
  const owners = {
    tensor: ["x"],
    class: ["Tensor"],
    both: ["x", "Tensor"],
    module: [moduleOf(entry.theme, language)],
  };
  for (const name of [topic.name, ...topic.also])
    for (const owner of owners[entry.of]) add(library, owner, name, topic);
}

function typeOf({ of, signatures }: Entry): Topic["type"] {
  if (of !== "module") return signatures.py.endsWith(")") ? "method" : "property";
  return signatures.js.startsWith("new ") ? "class" : "function";
}

/** In TypeScript what saves and loads is of `nn`. */
const moduleOf = (theme: string, language: Language) =>
  theme === "recurrent" || (theme === "state" && language === "typescript")
    ? "nn"
    : theme === "autodiff"
      ? ""
      : theme;

function add(library: Library, owner: string, name: string, topic: Topic): void {
  library[owner] ??= new Map();
  library[owner].set(name, topic);
}

/** The topic of a word after `owner.`, or of one that stands alone. */
export function find(language: Language, owner: string | null, word: string): Topic | undefined {
  const all = library(language);
  if (owner === null)
    return ["", ...loose].map((module) => all[module]?.get(word)).find((topic) => topic !== undefined);
  if (owner === "Tensor") return all.Tensor?.get(word) ?? all.x?.get(word);
  return (all[owner] ?? all.x)?.get(word);
}

/** What may follow `owner.`, or stand alone: the engine's own names where it tells them. */
export function options(
  language: Language,
  owner: string | null,
  names: Record<string, string[]>,
  info: (topic: Topic) => Node,
): Completion[] {
  const option = (label: string, topic: Topic | undefined, fallback: Topic["type"]): Completion => ({
    label,
    type: topic?.type ?? fallback,
    ...(topic?.doc ? { info: () => info(topic) } : {}),
  });
  const told = names[owner ?? ""] ?? names.tensor;
  if (language === "typescript" && told)
    return told.map((name) =>
      option(name, find(language, owner, name), owner === null ? "function" : "method"),
    );
  return topics(language, owner).map(([name, topic]) => option(name, topic, "method"));
}

function topics(language: Language, owner: string | null): [string, Topic][] {
  const all = library(language);
  if (owner === null) return ["", ...loose].flatMap((module) => [...(all[module] ?? [])]);
  if (owner === "Tensor") return [...(all.Tensor ?? []), ...(all.x ?? [])];
  return [...(all[owner] ?? all.x ?? [])];
}
