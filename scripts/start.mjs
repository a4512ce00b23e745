import { buildSite } from "./build.mjs";
import { at, Failure, main, options } from "./lib.mjs";
import { serve } from "./serve.mjs";

await main(async () => {
  const { port, serve: wanted = true } = options({ port: "--port <number>", serve: "--no-serve" });
  if (port !== undefined && !(Number(port) >= 0 && Number(port) < 65536)) {
    throw new Failure(`--port needs a number from 0 to 65535, got ${port}`);
  }
  await buildSite();
  if (!wanted) return console.log("\nBuilt: dist/site");
  const { url } = await serve(at("dist", "site"), port === undefined ? undefined : Number(port));
  console.log(`\nplaygrad is at ${url}   (Ctrl+C stops it)`);
});
