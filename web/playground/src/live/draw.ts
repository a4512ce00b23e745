import { tensor } from "playgrad";
import { addView } from "../runner/feed";
import { post } from "../runner/port";
import { evaluate, imagesFor, type Model } from "./model";
import { offer } from "./save";
import { onDigit } from "./state";

/** A pad to draw a digit on, with the model's probabilities beside it. */
export function drawDigit(model: Model): void {
  const id = "draw";
  let last: Float32Array | null = null;
  const answer = async () => {
    if (!last) return;
    const image = tensor(last, { shape: [1, 28, 28] });
    const scores = evaluate(model, imagesFor(model, image)).softmax(-1);
    const values = Float32Array.from(await scores.data());
    post({ type: "probabilities", id, values });
  };
  offer(model);
  post({ type: "view", view: { kind: "draw", id } });
  onDigit(id, (pixels) => {
    last = pixels;
    return answer();
  });
  addView({ id, sample: answer });
}
