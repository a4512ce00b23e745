import type { CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { syntaxTree } from "@codemirror/language";
import { EditorState, type Extension, Prec } from "@codemirror/state";
import {
  activateHover,
  closeHoverTooltips,
  type EditorView,
  hasHoverTooltips,
  hoverTooltip,
  keymap,
  type Tooltip,
} from "@codemirror/view";
import type { Language } from "../protocol";
import { card } from "./card";

/** Completion and documentation of names, by pointer and by keyboard; what they know is loaded when first asked. */

const load = () => import("./docs").catch(() => null);

export function assistance(language: Language, names: () => Record<string, string[]>): Extension {
  const source = { autocomplete: (context: CompletionContext) => complete(context, language, names()) };
  const hover = hoverTooltip((view, pos, side) => documentation(view.state, pos, side, language), {
    hideOnChange: true,
  });
  return [
    EditorState.languageData.of(() => [source]),
    hover,
    Prec.high(
      keymap.of([
        { key: "Mod-i", run: (view) => open(view, hover) },
        { key: "Escape", run: close },
      ]),
    ),
  ];
}

/** The tooltip of the word at the cursor; it goes when the cursor moves or the text changes. */
function open(view: EditorView, tooltip: Extension): boolean {
  const { head } = view.state.selection.main;
  const word = view.state.wordAt(head);
  const until = (transaction: { docChanged: boolean; selection?: unknown }) =>
    transaction.docChanged || transaction.selection !== undefined;
  activateHover(view, head, word && head === word.to ? -1 : 1, { tooltip, until });
  return true;
}

function close(view: EditorView): boolean {
  if (!hasHoverTooltips(view.state)) return false;
  view.dispatch({ effects: closeHoverTooltips });
  return true;
}

async function documentation(
  state: EditorState,
  pos: number,
  side: -1 | 1,
  language: Language,
): Promise<Tooltip | null> {
  const place = placeOf(state, pos, side);
  const docs = place && (await load());
  const topic = docs?.find(language, place?.owner ?? null, place?.word ?? "");
  if (!place || !topic?.doc) return null;
  return { pos: place.from, end: place.to, above: true, create: () => ({ dom: card(topic) }) };
}

interface Place {
  from: number;
  to: number;
  word: string;
  /** The word before the dot, "x" for what is no word, null where there is no dot. */
  owner: string | null;
}

export function placeOf(state: EditorState, pos: number, side: -1 | 1): Place | null {
  if (/Comment|String$/.test(syntaxTree(state).resolveInner(pos, side).name)) return null;
  const range = state.wordAt(pos);
  if (!range || (range.from === pos && side < 0) || (range.to === pos && side > 0)) return null;
  const { from, to } = range;
  return { from, to, word: state.sliceDoc(from, to), owner: ownerBefore(state, from) };
}

/** A call may go on the next line: `x\n  .relu()`. */
function ownerBefore(state: EditorState, from: number): string | null {
  const before = /([\w$]+|[^\s.])\s*\.\s*$/.exec(state.sliceDoc(Math.max(0, from - 200), from));
  return before ? (/^[A-Za-z_$]/.test(before[1] ?? "") ? (before[1] ?? "") : "x") : null;
}

async function complete(
  context: CompletionContext,
  language: Language,
  names: Record<string, string[]>,
): Promise<CompletionResult | null> {
  const word = context.matchBefore(/\w*$/);
  const from = word?.from ?? context.pos;
  const owner = ownerBefore(context.state, from);
  if (/(?<![\w$])\d+\.$/.test(context.state.sliceDoc(Math.max(0, from - 20), from))) return null;
  if (owner === "self" || owner === "this") return null;
  if (owner === null && !context.explicit && context.pos - from < 2) return null;
  if (/Comment|String$/.test(syntaxTree(context.state).resolveInner(context.pos, -1).name)) return null;
  const docs = await load();
  if (!docs) return null;
  return { from, options: docs.options(language, owner, names, card), validFor: /^\w*$/ };
}
