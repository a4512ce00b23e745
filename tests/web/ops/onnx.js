import { tensor } from "../../../web/package/dist/index.js";
import { load } from "../../../web/package/dist/onnx/index.js";

// The files of tests/onnx/fixtures beside what onnxruntime makes of them.

const folder = new URL("../../onnx/fixtures/", import.meta.url);

/** The largest difference from onnxruntime's values; the second run of a plan is emitted. */
export async function compareOnnx(name) {
  const file = await fetch(new URL(`${name}.onnx`, folder));
  const { x, y } = await (await fetch(new URL(`${name}.json`, folder))).json();
  const model = await load(new Uint8Array(await file.arrayBuffer()));
  const input = tensor(x.values).reshape(x.shape);
  let most = 0;
  for (const out of [model({ x: input }), model(input), await model.run(input)]) {
    const values = await out.data();
    if (values.length !== y.values.length) throw new Error(`${name} gives ${values.length} values`);
    most = Math.max(most, ...y.values.map((value, i) => Math.abs(values[i] - value)));
  }
  return most;
}
