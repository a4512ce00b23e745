import * as playgrad from "playgrad";
import type { ErrorKind, ProgramError } from "../protocol";
import { CompileError, fileName } from "./compile";
import { UsageError } from "./usage";

/** Anything thrown in, the error the page shows out: kind, op, got, expected, fix and the user's line. */

export function describe(thrown: unknown, moduleUrl: string, program = ""): ProgramError {
  if (thrown instanceof CompileError) return thrown.detail;
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const place = findLine(error.stack ?? "", moduleUrl);
  if (thrown instanceof playgrad.PlaygradError || thrown instanceof UsageError) {
    const { op, got, expected, fix } = thrown;
    return {
      kind: engineKind(error),
      name: error.name,
      message: error.message,
      op,
      got,
      expected,
      fix,
      ...place,
      ...(thrown instanceof playgrad.KernelError ? shaderPlace(program, thrown) : {}),
    };
  }
  return { kind: "runtime", name: error.name, message: error.message, ...place };
}

/** Where in the program its shader fails: the shader's text is found in it, or else the line that fails. */
export function shaderPlace(
  program: string,
  { text, line, column }: { text?: string; line?: number; column?: number },
): { line?: number; column?: number } {
  if (text === undefined || line === undefined || column === undefined) return {};
  const lines = text.split("\n");
  const wrong = lines[line - 1] ?? "";
  const before = lines.slice(0, line - 1).reduce((n, own) => n + own.length + 1, 0);
  const whole = program.indexOf(text);
  const start = whole >= 0 ? whole + before : wrong.trim() === "" ? -1 : program.indexOf(wrong);
  if (start < 0) return {};
  const above = program.slice(0, start + column - 1).split("\n");
  return { line: above.length, column: (above.at(-1) ?? "").length + 1 };
}

function engineKind(error: Error): ErrorKind {
  if (error instanceof playgrad.DeviceError) return "device";
  if (error instanceof playgrad.DataError) return "data";
  if (error instanceof playgrad.KernelError) return "kernel";
  return "engine";
}

export function findLine(stack: string, moduleUrl: string): { line?: number; column?: number } {
  for (const frame of stack.split("\n")) {
    for (const file of [moduleUrl, fileName]) {
      const at = file ? frame.indexOf(`${file}:`) : -1;
      if (at < 0) continue;
      const match = /^(\d+):(\d+)/.exec(frame.slice(at + file.length + 1));
      if (match) return { line: Number(match[1]), column: Number(match[2]) };
    }
  }
  return {};
}
