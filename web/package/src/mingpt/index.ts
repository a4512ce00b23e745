/** Andrej Karpathy's minGPT over this engine: the model, its sizes, and a trainer. */

export { GPT, type GPTOptions, type GPTSize, parameterCount, type Sampling, sizes } from "./model.js";
export { type Dataset, Trainer, type TrainerOptions } from "./trainer.js";
