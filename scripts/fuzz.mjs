import { main, options, run } from "./lib.mjs";
import { vulkan } from "./setup.mjs";

await main(async () => {
  const usage = { seed: "--seed <whole number>", seconds: "--seconds <time for each of the three tests>" };
  const { seed = "1", seconds = "60" } = options(usage);
  const { env, note } = await vulkan();
  console.log(`seed ${seed}, ${seconds} s for each test; wgpu ${note}`);
  const given = { ...env, PLAYGRAD_FUZZ_SEED: seed, PLAYGRAD_FUZZ_SECONDS: seconds };
  const one = ["--", "--nocapture", "--test-threads=1"];
  await run("cargo", ["test", "--locked", "-p", "playgrad", "--test", "fuzz", ...one], {
    env: given,
  });
});
