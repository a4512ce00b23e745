/** What went wrong, for people and for programs. `message` holds all of it. */
export class PlaygradError extends Error {
  // Written out: minifying a page renames its classes.
  override name = "PlaygradError";
  /** The method that was called, as written in the reference: `"matmul"`. */
  readonly op: string;
  /** What it was given. */
  readonly got: string;
  /** What it takes. */
  readonly expected: string;
  /** What to change. */
  readonly fix: string;

  constructor(op: string, got: string, expected: string, fix: string) {
    super(`${op}: got ${got}, expected ${expected}${fix && `. Fix: ${fix}`}`);
    this.op = op;
    this.got = got;
    this.expected = expected;
    this.fix = fix;
  }
}

/** Shapes that do not fit the method. */
export class ShapeError extends PlaygradError {
  override name = "ShapeError";
}
/** An element type that the method or the device does not take. */
export class DTypeError extends PlaygradError {
  override name = "DTypeError";
}
/** A device that is missing, lost, out of memory, or not opened yet. */
export class DeviceError extends PlaygradError {
  override name = "DeviceError";
}
/** A file or download that is damaged, incomplete or of another format. */
export class DataError extends PlaygradError {
  override name = "DataError";
}
/** A kernel of the program's that does not compile. */
export class KernelError extends PlaygradError {
  override name = "KernelError";
  /** The kernel's text, and where in it, from 1 on; not there where the compiler does not say. */
  declare text?: string;
  declare line?: number;
  declare column?: number;
}
/** Any other argument the method cannot use. */
export class ArgumentError extends PlaygradError {
  override name = "ArgumentError";
}

/** A fault of playgrad itself, never of the program that uses it. */
export class InternalError extends Error {
  constructor(detail: string) {
    super(`a fault inside playgrad, not in your code: ${detail}. Reload to go on, and please report this.`);
    this.name = "InternalError";
  }
}

const kinds = {
  Shape: ShapeError,
  DType: DTypeError,
  Device: DeviceError,
  Data: DataError,
  Argument: ArgumentError,
  Kernel: KernelError,
};

/** Makes the error the engine throws, its stack starting where JavaScript called it. @internal */
export function engineError(
  kind: string,
  op: string,
  got: string,
  expected: string,
  fix: string,
  ...[text, line, column]: (string | number)[]
): Error {
  const Class = kinds[kind as keyof typeof kinds] ?? PlaygradError;
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 64;
  const error = new Class(op, got, expected, fix);
  Error.stackTraceLimit = limit;
  if (text !== undefined) Object.assign(error, { text, line, column });
  const lines = error.stack?.split("\n") ?? [];
  // A function that the engine calls has frames of the engine below its own too.
  const inside = lines.map((line) => line.includes("wasm"));
  const after = inside.findIndex((own, i) => !own && inside[i - 1]);
  const head = lines[0]?.startsWith(error.name) ? [`${error.name}: ${error.message}`] : [];
  error.stack = [...head, ...lines.slice(Math.max(after, 1))].join("\n");
  return error;
}
