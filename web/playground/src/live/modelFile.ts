import { post } from "../runner/port";
import { chosenSource } from "./state";

/** The model or weights given in the File panel, which this call puts on the page; undefined if none are. */
export function modelFile(): File | undefined {
  post({ type: "view", view: { kind: "file", id: "file" } });
  return chosenSource().model;
}
