import { serve } from "./worker.js";

serve({
  playgrad: () => import("./engines/playgrad.js"),
  jax: () => import("./engines/jax.js"),
  tfjs: () => import("./engines/tfjs.js"),
});
