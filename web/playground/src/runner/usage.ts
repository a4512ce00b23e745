/** What a program's calls of the page's helpers throw. */

export class StopSignal extends Error {
  override name = "StopSignal";
}

/** A mistake in calling one of the page's helpers, told the way the engine tells its own. */
export class UsageError extends Error {
  override name = "UsageError";
  readonly op: string;
  readonly got: string;
  readonly expected: string;
  readonly fix: string;

  constructor(op: string, got: string, expected: string, fix: string) {
    super(`${op}: got ${got}, expected ${expected}. ${fix}`);
    this.op = op;
    this.got = got;
    this.expected = expected;
    this.fix = fix;
  }
}
