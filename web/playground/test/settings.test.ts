import { beforeEach, describe, expect, it, vi } from "vitest";
import { settings } from "../src/state/settings";

const kept = new Map<string, string>();
beforeEach(() => {
  kept.clear();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
});

describe("what the browser remembers", () => {
  it("is TypeScript until Python was chosen", () => {
    expect(settings.language()).toBe("typescript");
    settings.setLanguage("python");
    expect(settings.language()).toBe("python");
  });

  it("keeps the two languages' versions of an example apart", () => {
    kept.set("playgrad:code:xor", "// from before there was Python\n");
    settings.setCode("xor", "python", "# mine\n");
    expect(settings.code("xor", "typescript")).toBe("// from before there was Python\n");
    expect(settings.code("xor", "python")).toBe("# mine\n");
    settings.setCode("xor", "python", null);
    expect(settings.code("xor", "python")).toBeNull();
    expect(settings.code("xor", "typescript")).not.toBeNull();
  });
});
