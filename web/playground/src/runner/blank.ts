import type { Node } from "acorn";
import type MagicString from "magic-string";

/** Types vanish into spaces, so every line and column of the program stays where the user wrote it. */

export interface SyntaxNode extends Node {
  [key: string]: unknown;
}

export class NotErasable extends Error {
  constructor(
    readonly at: number,
    what: string,
    readonly fix: string,
  ) {
    super(`${what} needs more than its types removed, so it cannot run here`);
  }
}

const statements = new Set([
  "TSInterfaceDeclaration",
  "TSTypeAliasDeclaration",
  "TSDeclareFunction",
  "TSAbstractMethodDefinition",
  "TSAbstractPropertyDefinition",
  "TSIndexSignature",
]);

const inline = new Set(["TSTypeAnnotation", "TSTypeParameterDeclaration", "TSTypeParameterInstantiation"]);

const modifiers = /\b(public|private|protected|readonly|override|abstract|declare)\b\s*/y;

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

export function children(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) found.push(...value.filter(isNode));
    else if (isNode(value)) found.push(value);
  }
  return found;
}

export function blankTypes(program: SyntaxNode, code: string, out: MagicString): void {
  const erase = (start: number, end: number, first = " ") => {
    if (end <= start) return;
    const text = code.slice(start, end).replace(/[^\r\n]/g, " ");
    out.overwrite(start, end, text.startsWith(" ") ? first + text.slice(1) : text);
  };

  const eraseModifiers = (node: SyntaxNode) => {
    modifiers.lastIndex = node.start;
    while (modifiers.test(code)) {
      const end = modifiers.lastIndex;
      erase(modifiers.lastIndex - (code.slice(0, end).match(/\w+\s*$/)?.[0].length ?? 0), end);
      modifiers.lastIndex = end;
    }
  };

  const eraseMark = (from: number, to: number, mark: string) => {
    const at = code.slice(from, to).indexOf(mark);
    if (at >= 0) erase(from + at, from + at + mark.length);
  };

  const eraseList = (list: SyntaxNode[], keep: (node: SyntaxNode) => boolean) => {
    for (const node of list) {
      if (keep(node)) continue;
      const comma = /^\s*,/.exec(code.slice(node.end));
      erase(node.start, node.end + (comma ? comma[0].length : 0));
    }
  };

  const visit = (node: SyntaxNode): void => {
    if (statements.has(node.type) || node.declare === true) {
      erase(node.start, node.end, ";");
      return;
    }
    if (inline.has(node.type)) {
      erase(node.start, node.end);
      return;
    }
    switch (node.type) {
      case "TSEnumDeclaration":
        throw new NotErasable(
          node.start,
          "An enum",
          "Write a plain object: const Color = { Red: 0, Blue: 1 }.",
        );
      case "TSModuleDeclaration":
        throw new NotErasable(node.start, "A namespace", "Put its contents at the top level.");
      case "TSParameterProperty":
        throw new NotErasable(
          node.start,
          "A parameter property",
          "Declare the field in the class and assign it in the constructor.",
        );
      case "TSImportEqualsDeclaration":
      case "TSExportAssignment":
        throw new NotErasable(
          node.start,
          "This form of import or export",
          'Use import { name } from "playgrad".',
        );
      case "TSAsExpression":
      case "TSSatisfiesExpression": {
        const inner = node.expression as SyntaxNode;
        visit(inner);
        erase(inner.end + parenthesesAfter(code, inner.end, node.end), node.end);
        return;
      }
      case "TSNonNullExpression":
        visit(node.expression as SyntaxNode);
        erase(node.end - 1, node.end);
        return;
      case "TSTypeAssertion": {
        const inner = node.expression as SyntaxNode;
        erase(node.start, inner.start);
        visit(inner);
        return;
      }
      case "ImportDeclaration":
        if (node.importKind === "type") {
          erase(node.start, node.end, ";");
          return;
        }
        eraseList(node.specifiers as SyntaxNode[], (s) => s.importKind !== "type");
        return;
      case "ExportNamedDeclaration": {
        const inner = node.declaration;
        if (
          node.exportKind === "type" ||
          (isNode(inner) && (statements.has(inner.type) || inner.declare === true))
        ) {
          erase(node.start, node.end, ";");
          return;
        }
        eraseList(node.specifiers as SyntaxNode[], (s) => s.exportKind !== "type");
        break;
      }
      case "ClassDeclaration":
      case "ClassExpression": {
        if (node.abstract === true) eraseMark(node.start, node.end, "abstract");
        const list = node.implements as SyntaxNode[] | undefined;
        const first = list?.[0];
        const last = list?.at(-1);
        if (first && last) {
          const keyword = code.lastIndexOf("implements", first.start);
          erase(keyword, last.end);
        }
        for (const key of ["id", "typeParameters", "superClass", "superTypeParameters", "body"])
          if (isNode(node[key])) visit(node[key] as SyntaxNode);
        return;
      }
      case "PropertyDefinition":
      case "MethodDefinition": {
        if (node.type === "MethodDefinition" && !isNode((node.value as SyntaxNode).body)) {
          erase(node.start, node.end, ";");
          return;
        }
        eraseModifiers(node);
        const key = node.key as SyntaxNode;
        const rest = (node.typeAnnotation ?? node.value) as SyntaxNode | null;
        if (node.optional === true) eraseMark(key.end, rest?.start ?? node.end, "?");
        if (node.definite === true) eraseMark(key.end, rest?.start ?? node.end, "!");
        break;
      }
      case "VariableDeclarator": {
        const id = node.id as SyntaxNode;
        const type = id.typeAnnotation;
        if (node.definite === true && isNode(type)) eraseMark(id.start, type.start, "!");
        break;
      }
      case "Identifier": {
        const type = node.typeAnnotation;
        if (node.optional === true) eraseMark(node.start, isNode(type) ? type.start : node.end + 1, "?");
        break;
      }
    }
    const params = node.params;
    if (Array.isArray(params) && isNode(params[0]) && params[0].name === "this")
      eraseList([params[0]], () => false);
    for (const child of children(node)) {
      if (Array.isArray(params) && child === params[0] && child.name === "this") continue;
      visit(child);
    }
  };

  visit(program);
}

function parenthesesAfter(code: string, from: number, to: number): number {
  return /^[\s)]*\)/.exec(code.slice(from, to))?.[0].length ?? 0;
}
