import { execFile } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const folder = join(import.meta.dirname, "..");
const readme = readFileSync(join(folder, "README.md"), "utf8");
const snippets = Array.from(readme.matchAll(/```js\n([\s\S]*?)```/g), ([, code]) => code!);

test("the README has its snippets", () => expect(snippets.length).toBe(7));

test.each(snippets.map((code, i) => [i + 1, code] as const))(
  "README snippet %i runs",
  { timeout: 60_000 },
  async (i, code) => {
    // Inside the package, its own name resolves through its exports.
    const file = join(folder, "test", `.readme-${i}.mjs`);
    writeFileSync(file, code);
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [file]);
      for (const [, promised] of code.matchAll(/console\.log\(.*\); \/\/ (.*)/g))
        expect(stdout).toContain(promised);
    } finally {
      rmSync(file);
    }
  },
);
