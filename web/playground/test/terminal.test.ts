import { beforeEach, expect, test, vi } from "vitest";

type Message = { level: string; text: string; replace: boolean };

let sent: Message[];
let now = 0;

beforeEach(() => {
  sent = [];
  vi.resetModules();
  vi.stubGlobal("self", { postMessage: (message: Message) => sent.push(message) });
  vi.spyOn(performance, "now").mockImplementation(() => now);
  now += 10_000;
});

/** The console as the page shows it. */
const shown = () => {
  const lines: string[] = [];
  for (const { text, replace } of sent) lines.splice(replace ? -1 : lines.length, replace ? 1 : 0, text);
  return lines;
};

test("lines are cut where they end", async () => {
  const { endLine, write } = await import("../src/runner/terminal");
  for (const text of ["on", "e\ntwo", "\n\n", "three"]) write(text, "log");
  endLine();
  expect(shown()).toEqual(["one", "two", "", "three"]);
});

test("a line that begins again takes the place of what it was, and is sent now and then", async () => {
  const { write } = await import("../src/runner/terminal");
  for (let i = 0; i < 1000; i++) {
    now += 1;
    write(`\rstep ${i}`, "log");
  }
  write("\nafter\n", "log");
  expect(shown()).toEqual(["step 999", "after"]);
  expect(sent.length).toBeLessThan(25);
});

test("a return before the end of a line, with or without text after it", async () => {
  const { write } = await import("../src/runner/terminal");
  write("first\rsecond\n", "log");
  write("kept\r\n", "log");
  write("shown\r", "log");
  write("instead\n", "log");
  expect(shown()).toEqual(["second", "kept", "instead"]);
});

test("another stream begins a line of its own; colours are left out", async () => {
  const { write } = await import("../src/runner/terminal");
  write("50 %", "error");
  write("\u001b[31mred\u001b[0m\n", "log");
  expect(shown()).toEqual(["50 %", "red"]);
  expect(sent.map(({ level }) => level)).toEqual(["error", "log"]);
});
