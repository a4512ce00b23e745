import { tsPlugin } from "@sveltejs/acorn-typescript";
import { Parser } from "acorn";
import MagicString from "magic-string";
import type { ProgramError } from "../protocol";
import { text } from "../text/en";
import { blankTypes, NotErasable, type SyntaxNode } from "./blank";

/** Program text in, module text out: types blanked, bare imports pointed at module addresses. */

export interface ImportTarget {
  url: string;
  names: readonly string[];
}

export class CompileError extends Error {
  constructor(readonly detail: ProgramError) {
    super(detail.message);
  }
}

export const fileName = "main.ts";

const parser = Parser.extend(tsPlugin());

export function compile(code: string, targets: Record<string, ImportTarget>): string {
  const program = parse(code);
  const out = blanked(program, code);
  for (const node of program.body as SyntaxNode[]) pointImport(node, code, targets, out);
  return `${out.toString()}\n//# sourceURL=${fileName}`;
}

/** The program as JavaScript, its imports as they are. */
export function erase(code: string): string {
  return blanked(parse(code), code).toString();
}

function blanked(program: SyntaxNode, code: string): MagicString {
  const out = new MagicString(code);
  try {
    blankTypes(program, code, out);
  } catch (error) {
    if (error instanceof NotErasable) throw failure(code, error.at, error.message, error.fix);
    throw error;
  }
  return out;
}

function parse(code: string): SyntaxNode {
  try {
    return parser.parse(code, {
      ecmaVersion: "latest",
      sourceType: "module",
      locations: true,
    }) as unknown as SyntaxNode;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { pos } = error as SyntaxError & { pos?: number };
    const message = error.message.replace(/\s*\(\d+:\d+\)$/, "");
    throw failure(code, pos ?? 0, message, text.errors.syntaxFix);
  }
}

function pointImport(
  node: SyntaxNode,
  code: string,
  targets: Record<string, ImportTarget>,
  out: MagicString,
): void {
  const source = node.source as SyntaxNode | null | undefined;
  if (!source || node.importKind === "type" || node.exportKind === "type") return;
  const name = source.value as string;
  if (/^(https:|blob:|data:)/.test(name)) return;
  const target = targets[name];
  if (!target)
    throw failure(
      code,
      source.start,
      text.errors.unknownModule(name),
      text.errors.unknownModuleFix(Object.keys(targets)),
    );
  for (const specifier of (node.specifiers as SyntaxNode[] | undefined) ?? []) {
    if (specifier.type !== "ImportSpecifier" || specifier.importKind === "type") continue;
    const wanted = (specifier.imported as SyntaxNode).name as string;
    if (!target.names.includes(wanted))
      throw failure(
        code,
        specifier.start,
        text.errors.noExport(name, wanted),
        text.errors.noExportFix(nearest(wanted, target.names)),
      );
  }
  out.overwrite(source.start, source.end, JSON.stringify(target.url));
}

function failure(code: string, at: number, message: string, fix: string): CompileError {
  const before = code.slice(0, at).split("\n");
  return new CompileError({
    kind: "syntax",
    name: "SyntaxError",
    message,
    fix,
    line: before.length,
    column: (before.at(-1)?.length ?? 0) + 1,
  });
}

export function nearest(wanted: string, names: readonly string[]): string | undefined {
  const scored = names.map((name) => ({
    name,
    distance: editDistance(wanted.toLowerCase(), name.toLowerCase()),
  }));
  scored.sort((a, b) => a.distance - b.distance);
  const best = scored[0];
  return best && best.distance <= Math.max(2, wanted.length / 3) ? best.name : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    row = next;
  }
  return row[b.length] ?? 0;
}
