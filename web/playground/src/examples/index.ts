import beautifulMnistLesson from "./beautiful-mnist.md?raw";
import beautifulMnist from "./beautiful-mnist.ts?raw";
import mnistCnnLesson from "./mnist-cnn.md?raw";
import mnistCnn from "./mnist-cnn.ts?raw";
import mnistMlpLesson from "./mnist-mlp.md?raw";
import mnistMlp from "./mnist-mlp.ts?raw";
import moonsLesson from "./moons.md?raw";
import moons from "./moons.ts?raw";
import xorLesson from "./xor.md?raw";
import xor from "./xor.ts?raw";

/** The gallery, easiest first. Titles and descriptions are in text/. */

export interface Example {
  id: ExampleId;
  code: string;
  lesson: string;
  /** Steps a second it starts with: small ones are slowed down to be watched. */
  speed: number;
}

export const exampleIds = [
  "xor",
  "moons",
  "mnist-mlp",
  "mnist-cnn",
  "beautiful-mnist",
] as const;
export type ExampleId = (typeof exampleIds)[number];

export const examples: Record<ExampleId, Example> = {
  xor: { id: "xor", code: xor, lesson: xorLesson, speed: 50 },
  moons: {
    id: "moons",
    code: moons,
    lesson: moonsLesson,
    speed: 50,
  },
  "mnist-mlp": {
    id: "mnist-mlp",
    code: mnistMlp,
    lesson: mnistMlpLesson,
    speed: Infinity,
  },
  "mnist-cnn": {
    id: "mnist-cnn",
    code: mnistCnn,
    lesson: mnistCnnLesson,
    speed: Infinity,
  },
  "beautiful-mnist": {
    id: "beautiful-mnist",
    code: beautifulMnist,
    lesson: beautifulMnistLesson,
    speed: Infinity,
  },
};

export function isExampleId(value: unknown): value is ExampleId {
  return exampleIds.some((id) => id === value);
}
