import { describe, expect, it } from "vitest";
import { decodeShared, encodeShared, isShared, type Shared } from "../src/state/share";

const shared: Shared = {
  language: "typescript",
  code: "print('héllo ✓ 你好');\n".repeat(50),
  example: "moons",
  device: "cpu",
  seed: 7,
};

describe("share link", () => {
  it("comes back as it went", async () => {
    const hash = await encodeShared(shared);
    expect(isShared(hash)).toBe(true);
    expect(hash).toMatch(/^#p=[\w-]+$/);
    expect(hash.length).toBeLessThan(shared.code.length / 4);
    expect(await decodeShared(hash)).toEqual(shared);
  });

  it("carries Python, and says nothing of TypeScript, as links always did", async () => {
    const python: Shared = { ...shared, language: "python", code: "print('hi')" };
    expect(await decodeShared(await encodeShared(python))).toEqual(python);
    const { language: _, ...old } = shared;
    expect(await encodeShared(shared)).toBe(await encodeShared(old as Shared));
    expect(await decodeShared(await encodeShared(old as Shared))).toEqual(shared);
  });

  it.each(["#p=", "#p=%%%", "#p=AAAA", "#p=bm90IGRlZmxhdGU"])(
    "answers null for the damaged %s",
    async (hash) => {
      expect(await decodeShared(hash)).toBeNull();
    },
  );

  it("falls back on values it does not know", async () => {
    const odd = {
      ...shared,
      language: "cobol",
      example: "gone",
      device: "tpu",
      seed: -1,
    } as unknown as Shared;
    expect(await decodeShared(await encodeShared(odd))).toEqual({
      ...shared,
      example: "xor",
      device: "auto",
      seed: 42,
    });
  });
});
