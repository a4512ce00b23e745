import { unzipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { examples } from "../src/examples/index";
import { asHtml, asProject } from "../src/export/export";
import node from "../src/export/node.js?raw";
import live from "../src/live/index.ts?raw";

const program = (id: keyof typeof examples) => ({
  title: "It's <new> & works",
  code: examples[id].code.typescript,
  seed: 7,
  device: "cpu" as const,
});

const importsOf = (code: string) =>
  [...code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g)].map(([, name]) => name ?? "");

it("the panels of an npm project are those of the playground", () => {
  const ours = [...node.matchAll(/^export (?:const|async function\*?|function) (\w+)/gm)].map(
    ([, name]) => name,
  );
  const theirs = [...live.matchAll(/^export \{ (.*) \}/gm)].flatMap(([, names]) =>
    (names ?? "").split(", ").filter((name) => !name.startsWith("type ")),
  );
  expect(ours.sort()).toEqual(theirs.sort());
});

describe("a program as a web page", () => {
  it.each(["xor", "micrograd-moons", "static-graph"] as const)("carries all that %s imports", async (id) => {
    const made = await (await asHtml(program(id))).text();
    const scripts = [...made.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map(([, inner]) => inner ?? "");
    expect(scripts).toHaveLength(2);
    const { imports } = JSON.parse(scripts[0] ?? "") as { imports: Record<string, string> };
    const modules = Object.values(imports).map((url) => decodeURIComponent(url.slice(url.indexOf(",") + 1)));
    const wanted = [...modules, scripts[1] ?? ""].flatMap(importsOf);
    expect(wanted).toContain("engine/wasm/playgrad.js");
    expect(wanted).toContain("page/live/index");
    expect(wanted.filter((name) => !(name in imports))).toEqual([]);
    expect(made).toContain("<title>It's &#60;new&#62; &#38; works</title>");
    expect(made).toContain('data-seed="7" data-device="cpu"');
  });
});

describe("a program as an npm project", () => {
  it("has a start, the program, its panels' stand-ins and a manifest", async () => {
    const zip = unzipSync(new Uint8Array(await asProject(program("xor")).arrayBuffer()));
    const folder = "it-s-new-works";
    const file = (name: string) => new TextDecoder().decode(zip[`${folder}/${name}`]);
    expect(Object.keys(zip).sort()).toEqual(
      ["README.md", "main.js", "package.json", "playground.js", "start.js"].map(
        (name) => `${folder}/${name}`,
      ),
    );
    expect(JSON.parse(file("package.json")).dependencies.playgrad).toMatch(/^\d+\.\d+\.\d+$/);
    expect(importsOf(file("main.js"))).toEqual(["playgrad", "./playground.js", "./playground.js"]);
    expect(file("start.js")).toContain("manualSeed(7)");
  });
});
