import { describe, expect, it } from "vitest";
import { examples } from "../src/examples/index";
import { CompileError, compile, erase, nearest } from "../src/runner/compile";

const targets = {
  playgrad: { url: "blob:engine", names: ["Tensor", "tensor", "nn", "optim", "data", "device", "jit"] },
  playground: {
    url: "blob:page",
    names: ["plot", "boundary", "print", "slider", "steps", "dataset", "drawDigit", "predictions", "weights"],
  },
};

const run = (code: string) => compile(code, targets).replace(/\n\/\/# sourceURL=main\.ts$/, "");

function failureOf(code: string) {
  try {
    compile(code, targets);
  } catch (error) {
    if (error instanceof CompileError) return error.detail;
    throw error;
  }
  throw new Error("compiled without an error");
}

describe("types become spaces of the same size", () => {
  const cases: [string, string, string][] = [
    ["annotation", "const a: number = 1;", "const a         = 1;"],
    [
      "parameter and result",
      "function f(a: number, b?: string): void {}",
      "function f(a        , b         )       {}",
    ],
    ["arrow", "const f = (t: Tensor): Tensor => t;", "const f = (t        )         => t;"],
    ["as", "const a = b as unknown as number;", "const a = b                     ;"],
    ["as in parentheses", "const a = (b as any).c;", "const a = (b       ).c;"],
    ["satisfies", "const a = { b: 1 } satisfies B;", "const a = { b: 1 }            ;"],
    ["not null", "a!.b!;", "a .b ;"],
    ["generic call", "f<number>(1);", "f        (1);"],
    ["generic arrow", "const f = <T,>(a: T) => a;", "const f =     (a   ) => a;"],
    ["type alias", "type A = number;\nlet b = 1;", ";               \nlet b = 1;"],
    ["declare", "declare const a: number;", ";                       "],
    ["type import", 'import type { A } from "x";\n1;', ";                          \n1;"],
    ["implements", "class A implements B, C {}", "class A                 {}"],
    [
      "class fields",
      "class A { private readonly x: number = 1; y?: string; z!: A; }",
      "class A {                  x         = 1; y         ; z    ; }",
    ],
    [
      "abstract",
      "abstract class A { abstract f(): void; g() {} }",
      "         class A { ;                   g() {} }",
    ],
    ["this parameter", "function f(this: A, b: B) {}", "function f(         b   ) {}"],
    ["definite", "let a!: number;", "let a         ;"],
    ["optional chaining stays", "a?.b ?? c ? 1 : 2;", "a?.b ?? c ? 1 : 2;"],
  ];
  it.each(cases)("%s", (_, code, expected) => expect(run(code)).toBe(expected));

  it("keeps lines of a long type", () => {
    const code = "interface A {\n  a: number;\n}\nthrow new Error();";
    expect(erase(code).split("\n")).toHaveLength(4);
    expect(erase(code).split("\n")[3]).toBe("throw new Error();");
  });
});

describe("imports", () => {
  it("point at the modules of the page", () => {
    expect(run('import { nn, type DeviceInfo } from "playgrad";')).toBe(
      'import { nn,                 } from "blob:engine";',
    );
    expect(run('import * as p from "playground";\nplain;')).toBe('import * as p from "blob:page";\nplain;');
  });

  it("name a module that is not there", () => {
    const failure = failureOf('\nimport fs from "fs";');
    expect(failure.line).toBe(2);
    expect(failure.message).toContain('"fs"');
    expect(failure.fix).toContain('"playgrad"');
  });

  it("suggest a name that is close", () => {
    const failure = failureOf('import { nn, optin } from "playgrad";');
    expect(failure).toMatchObject({ kind: "syntax", line: 1, column: 14 });
    expect(failure.fix).toBe("Did you mean optim?");
    expect(nearest("zzzzz", ["optim"])).toBeUndefined();
  });
});

describe("errors", () => {
  it("give line and column of a syntax error", () => {
    expect(failureOf("const a = 1;\nconst b = (2;\n")).toMatchObject({ kind: "syntax", line: 2, column: 13 });
    expect(failureOf("if (x {").message).not.toMatch(/\(\d+:\d+\)/);
  });

  it("refuse what blanking cannot erase", () => {
    expect(failureOf("enum A { B }")).toMatchObject({ line: 1, column: 1 });
    expect(failureOf("class A { constructor(private a: number) {} }").fix).toContain("constructor");
  });
});

describe("examples", () => {
  it.each(Object.entries(examples))("%s loses its types and keeps its lines", (_, example) => {
    const code = example.code.typescript;
    expect(erase(code).split("\n")).toHaveLength(code.split("\n").length);
  });
});
