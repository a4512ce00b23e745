import { Tensor } from "playgrad";
import { addView } from "../runner/feed";
import { post } from "../runner/port";
import { UsageError } from "../runner/usage";
import { evaluate, imagesFor, type Model } from "./model";
import { offer } from "./save";

const shown = 24;

/**
 * The first images with what the model says of them, wrong ones marked. `predicted` is the model (redrawn
 * while it learns) or a tensor: class numbers [n] or scores [n, classes].
 */
export function predictions(images: Tensor, predicted: Model | Tensor, labels: Tensor): void {
  const count = Math.min(shown, images.shape[0] ?? 0);
  if (count === 0 || labels.shape[0] !== images.shape[0])
    throw new UsageError(
      "predictions",
      `${images.shape[0] ?? 0} images and ${labels.shape[0] ?? 0} labels`,
      "one label an image, and at least one",
      "Take both from the same set: predictions(test.images, model, test.labels).",
    );
  if (predicted instanceof Tensor) predicted.realize();
  else offer(predicted);
  const some = images.slice([0, count]);
  const height = images.shape.at(-2) ?? 28;
  const width = images.shape.at(-1) ?? 28;
  let fixed: Promise<{ pixels: Float32Array; labels: Int32Array }> | null = null;
  addView({
    id: "predictions",
    async sample() {
      const output =
        predicted instanceof Tensor
          ? predicted.slice([0, count])
          : evaluate(predicted, imagesFor(predicted, some));
      const guess = output.ndim > 1 ? output.argmax(-1) : output;
      fixed ??= readFixed(some, labels.slice([0, count]));
      const [known, values] = await Promise.all([fixed, guess.data()]);
      post({
        type: "view",
        view: {
          kind: "predictions",
          id: "predictions",
          ...known,
          height,
          width,
          predicted: Int32Array.from(values),
        },
      });
    },
  });
}

async function readFixed(
  images: Tensor,
  labels: Tensor,
): Promise<{ pixels: Float32Array; labels: Int32Array }> {
  const [pixels, classes] = await Promise.all([images.data(), labels.data()]);
  const scale = images.dtype === "uint8" ? 255 : 1;
  return { pixels: Float32Array.from(pixels, (value) => value / scale), labels: Int32Array.from(classes) };
}
