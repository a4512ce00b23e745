import type { DeviceChoice, Language } from "../protocol";

/** What this browser remembers between visits. Storage may be blocked: then nothing is remembered. */

export type Theme = "system" | "light" | "dark";

const prefix = "playgrad:";

function read(key: string): string | null {
  try {
    return localStorage.getItem(prefix + key);
  } catch {
    return null;
  }
}

function write(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(prefix + key);
    else localStorage.setItem(prefix + key, value);
  } catch {
    return;
  }
}

const codeKey = (example: string, language: Language) =>
  language === "python" ? `code:python:${example}` : `code:${example}`;

export const settings = {
  device(): DeviceChoice {
    const value = read("device");
    return value === "webgpu" || value === "cpu" ? value : "auto";
  },
  setDevice: (value: DeviceChoice) => write("device", value),

  language: (): Language => (read("language") === "python" ? "python" : "typescript"),
  setLanguage: (value: Language) => write("language", value),

  theme(): Theme {
    const value = read("theme");
    return value === "light" || value === "dark" ? value : "system";
  },
  setTheme: (value: Theme) => write("theme", value === "system" ? null : value),

  seed(): number {
    const value = Number(read("seed") ?? "42");
    return Number.isSafeInteger(value) && value >= 0 ? value : 42;
  },
  setSeed: (value: number) => write("seed", String(value)),

  example: () => read("example"),
  setExample: (id: string) => write("example", id),

  code: (example: string, language: Language) => read(codeKey(example, language)),
  setCode: (example: string, language: Language, code: string | null) =>
    write(codeKey(example, language), code),

  /** What was typed or pasted into an example's text panels, by their names. */
  texts(example: string): Record<string, string> {
    try {
      return Object(JSON.parse(read(`texts:${example}`) ?? "{}"));
    } catch {
      return {};
    }
  },
  setTexts: (example: string, values: Record<string, string>) =>
    write(`texts:${example}`, JSON.stringify(values)),

  number(key: "split" | "console"): number | null {
    const value = Number(read(key) ?? "");
    return value > 0 ? value : null;
  },
  setNumber: (key: "split" | "console", value: number) => write(key, String(Math.round(value))),

  flag: (key: "lesson" | "log", preset: boolean) => (read(key) ?? String(preset)) === "true",
  setFlag: (key: "lesson" | "log", value: boolean) => write(key, String(value)),
};
