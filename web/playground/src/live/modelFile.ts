import { chosenSource } from "./state";

/** The model that was dropped on the Data panel, if one was. */
export const modelFile = (): File | undefined => chosenSource().model;
