/** The module a program imports as "playground": panels, data and the training loop of this page. */

export { print } from "../runner/console";
export { steps } from "../runner/control";
export { boundary } from "./boundary";
export { type Dataset, dataset, type Labelled } from "./dataset";
export { drawDigit } from "./draw";
export { graph } from "./graph";
export { images } from "./images";
export { modelFile } from "./modelFile";
export { plot } from "./plot";
export { predictions } from "./predictions";
export { save } from "./save";
export { scene } from "./scene";
export { show } from "./show";
export { slider } from "./slider";
export { text } from "./text";
export { weights } from "./weights";
