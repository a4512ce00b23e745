import type { Language } from "../protocol";

/** The gallery in the order of learning: ID.ts, ID.py and the lesson ID.md. Titles and descriptions are in text/. */

export interface Example {
  code: Record<Language, string>;
  /** The text beside it, as HTML. */
  lesson: Record<Language, string>;
  /** Steps a second it starts with: small ones are slowed down to be watched. */
  speed: number;
}

export const groups = {
  begin: [
    "xor",
    "one-layer",
    "micrograd",
    "micrograd-moons",
    "moons",
    "scratch",
  ],
  images: [
    "mnist-mlp",
    "mnist-cnn",
    "beautiful-mnist",
    "resnet",
    "autoencoder",
  ],
  graphs: ["static-graph"],
  sequences: ["gpt-sort", "gpt-adder", "chargpt", "mamba"],
  acting: ["cartpole"],
  engine: ["kernels", "lltm", "onnx"],
} as const satisfies Record<string, readonly string[]>;

export type GroupId = keyof typeof groups;
export type ExampleId = (typeof groups)[GroupId][number];

export const exampleIds: readonly ExampleId[] =
  Object.values(groups).flat();

const speeds: Partial<Record<ExampleId, number>> = {
  xor: 50,
  "one-layer": 50,
  moons: 50,
  micrograd: 20,
};

const programs: Record<string, string> = import.meta.glob(
  ["./*.ts", "./*.py", "!./index.ts"],
  { eager: true, query: "?raw", import: "default" },
);
const lessons: Record<string, Example["lesson"]> =
  import.meta.glob("./*.md", { eager: true, import: "default" });

function example(id: ExampleId): Example {
  const program = (ending: string) =>
    programs[`./${id}.${ending}`] ?? "";
  return {
    code: {
      typescript: program("ts"),
      python: program("py"),
    },
    lesson: lessons[`./${id}.md`] ?? {
      typescript: "",
      python: "",
    },
    speed: speeds[id] ?? Number.POSITIVE_INFINITY,
  };
}

export const examples = Object.fromEntries(
  exampleIds.map((id) => [id, example(id)]),
) as Record<ExampleId, Example>;

export function isExampleId(value: unknown): value is ExampleId {
  return exampleIds.some((id) => id === value);
}
