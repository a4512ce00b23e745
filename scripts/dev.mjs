import { buildPackage } from "./build.mjs";
import { main, npm, options } from "./lib.mjs";

await main(async () => {
  const { port } = options({ port: "--port <number>" });
  await buildPackage();
  await npm(["run", "dev", "-w", "@playgrad/playground", "--", ...(port ? ["--port", port] : [])]);
});
