import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type Row, rows } from "../../../scripts/methods.mjs";
import { camel } from "../../../scripts/parameters.mjs";
import * as playgrad from "../dist/index.js";

const { Tensor } = playgrad;
const table: Row[] = rows();

beforeAll(() => playgrad.init({ device: "cpu" }));

/** Where the class keeps a member. */
function holder({ name, static: ofClass }: Row): object | undefined {
  const member = camel(name);
  const chain = [Tensor, Object.getPrototypeOf(Tensor)] as { prototype: object }[];
  const places: object[] = ofClass === true ? chain : chain.map((type) => type.prototype);
  return places.find((place) => Object.hasOwn(place, member));
}

/** An example's statements, the last of which is an expression. */
function body(example: string): string {
  const text = example.trim().replace(/;$/, "");
  const [, before, last] = /^([\s\S]*(?:;\s|\n))?([\s\S]*)$/.exec(text)!;
  return `${before ?? ""}\nreturn (${last});`;
}

describe("every row of the table", () => {
  test.each(table.map((row) => [`${row.theme}: ${row.name}`, row] as const))(
    "%s is there and its example runs",
    async (_, row) => {
      if (row.kind === undefined) expect(holder(row), "on Tensor").toBeDefined();
      if (row.static === "too") expect(Object.hasOwn(Tensor, camel(row.name))).toBe(true);
      for (const alias of row.aliases ?? []) {
        if (row.kind === undefined) expect(holder({ ...row, name: alias }), alias).toBeDefined();
      }
      const names = Object.keys(playgrad);
      const run = new Function(...names, `return (async () => {\n${body(row.example)}\n})();`);
      const result: unknown = await run(...Object.values(playgrad));
      for (const value of Array.isArray(result) ? result : [result]) {
        if (value instanceof Tensor) await value.data();
      }
    },
  );
});

test("everything public on Tensor has a row", () => {
  const known = (ofClass: boolean) =>
    new Set(
      table
        .filter((row) => (ofClass ? row.static !== undefined : row.static !== true))
        .flatMap((row) => [row.name, ...(row.aliases ?? [])].map(camel)),
    );
  const own = (place: object, rest: string[]) =>
    Object.getOwnPropertyNames(place).filter((name) => !rest.includes(name));
  const chain = [Tensor, Object.getPrototypeOf(Tensor)] as { prototype: object }[];
  const statics = chain.flatMap((type) => own(type, ["length", "name", "prototype"]));
  const members = chain.flatMap((type) => own(type.prototype, ["constructor", "id"]));
  expect(statics.filter((name) => !known(true).has(name))).toEqual([]);
  expect(members.filter((name) => !known(false).has(name))).toEqual([]);
});

test("every example has types", { timeout: 60_000 }, () => {
  const file = join(import.meta.dirname, ".examples.ts");
  const examples = table.map((row) => `async () => {\n${body(row.example)}\n};`);
  const names = Object.keys(playgrad).join(", ");
  writeFileSync(file, `import { ${names} } from "../dist/index.js";\n${examples.join("\n")}\n`);
  const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  const options = ["--noEmit", "--strict", "--skipLibCheck", "--target", "ES2022", "--module", "ESNext"];
  const rest = ["--moduleResolution", "bundler", "--types", "node", "--ignoreConfig"];
  try {
    execFileSync(process.execPath, [tsc, ...options, ...rest, file], { encoding: "utf8" });
  } catch (error) {
    expect.fail((error as { stdout: string }).stdout);
  } finally {
    rmSync(file);
  }
});

describe("arguments", () => {
  const x = () => Tensor.ones(2, 3);
  const wrong: [string, () => unknown, RegExp][] = [
    ["an object", () => x().add(new Date() as never), /add: got an object/],
    ["a function", () => x().add((() => 1) as never), /add: got a function/],
    ["an option that is not there", () => x().sum(0, { keepDim: true } as never), /keepDim.*keepdim/],
    ["too many", () => x().relu(...([1] as unknown as [])), /relu: got 1 arguments, expected at most 0/],
    ["too few", () => x().gather(...([0] as unknown as [0, never])), /gather: got no index/],
    [
      "text for a number",
      () => x().leakyRelu("a" as never),
      /leakyRelu: got neg_slope "a", expected a number/,
    ],
    [
      "a number for a tensor",
      () => x().matmul(2 as never),
      /matmul: got other 2, expected a tensor.*tensor\(/,
    ],
    ["no tensor", () => x().add.call(undefined as never, 1), /add: got undefined/],
  ];
  test.each(wrong)("%s is an ArgumentError", (_, work, message) => {
    expect(work).toThrow(playgrad.ArgumentError);
    expect(work).toThrow(message);
  });

  test("text and long lists cross whole", async () => {
    expect(() => x().cast("émoji 😀" as "f32")).toThrow(/émoji 😀/);
    const many = Array.from({ length: 200 }, (_, i) => playgrad.tensor([i]));
    const joined = await Tensor.cat(many).data();
    expect([joined.length, joined[199]]).toEqual([200, 199]);
  });

  test("undefined is an argument left out", () => {
    expect(x().sum(undefined, { keepdim: undefined }).shape).toEqual([]);
    expect(x().softmax(undefined).shape).toEqual([2, 3]);
  });
});
