import { data, type Tensor } from "playgrad";
import type { DataSource } from "../protocol";
import { post } from "../runner/port";
import { chosenSource } from "./state";

export interface Labelled {
  /** uint8 [n, 28, 28] */
  images: Tensor;
  /** int32 [n] */
  labels: Tensor;
}

export interface Dataset {
  train: Labelled;
  test: Labelled;
  source: DataSource["kind"];
}

/**
 * Digits to learn from: generated ones, or real MNIST once it is chosen in the Data panel.
 * `train` and `test` say how many digits to generate; MNIST always comes whole.
 */
export async function dataset({ train = 6000, test = 1000 } = {}): Promise<Dataset> {
  const source = chosenSource();
  const loaded = source.kind === "mnist" ? await data.mnist({ files: source.files }) : generate(train, test);
  post({
    type: "view",
    view: {
      kind: "data",
      id: "data",
      source: source.kind,
      train: loaded.train.labels.numel,
      test: loaded.test.labels.numel,
    },
  });
  return { ...loaded, source: source.kind };
}

function generate(train: number, test: number): { train: Labelled; test: Labelled } {
  return { train: data.digits({ n: train, seed: 1 }), test: data.digits({ n: test, seed: 2 }) };
}
