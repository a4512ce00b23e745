import { execFile } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const folder = join(import.meta.dirname, "..");
const snippetsOf = (path: string) =>
  Array.from(readFileSync(path, "utf8").matchAll(/```js\n([\s\S]*?)```/g), ([, code]) => code!);
const own = snippetsOf(join(folder, "README.md"));
const projects = snippetsOf(join(folder, "..", "..", "README.md"));
const snippets = [...own, ...projects];

test("the READMEs have their snippets", () => expect([own.length, projects.length]).toEqual([9, 1]));

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
