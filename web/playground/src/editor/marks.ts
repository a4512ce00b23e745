import { type Diagnostic, setDiagnostics } from "@codemirror/lint";
import { type Extension, type Range, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView } from "@codemirror/view";
import type { ProgramError } from "../protocol";

/** The error's line: tinted, in view, underlined from its column, with the message on hover. An edit clears the tint. */

const markLine = StateEffect.define<number | null>();
const tint = Decoration.line({ class: "cm-errorLine" });

export const errorLine: Extension = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    let next = transaction.docChanged ? Decoration.none : marks;
    for (const effect of transaction.effects) {
      if (!effect.is(markLine)) continue;
      const ranges: Range<Decoration>[] = effect.value === null ? [] : [tint.range(effect.value)];
      next = Decoration.set(ranges);
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});

export function showError(view: EditorView, error: ProgramError | null): void {
  const { doc } = view.state;
  if (!error?.line || error.line > doc.lines) {
    view.dispatch(setDiagnostics(view.state, []), { effects: markLine.of(null) });
    return;
  }
  const line = doc.line(error.line);
  const indent = line.text.length - line.text.trimStart().length;
  const from = Math.min(line.to, line.from + Math.max(indent, (error.column ?? 1) - 1));
  const rest = doc.sliceString(from, line.to);
  const word = /^[\w$.]+/.exec(rest)?.[0].length ?? rest.length;
  const diagnostic: Diagnostic = {
    from,
    to: from + word,
    severity: "error",
    message: [error.message, error.fix].filter(Boolean).join("\n"),
  };
  const inView = EditorView.scrollIntoView(from, { y: "nearest", x: "nearest", yMargin: 60 });
  view.dispatch(setDiagnostics(view.state, [diagnostic]), { effects: [markLine.of(line.from), inView] });
}

export function goTo(view: EditorView, line: number, column = 1): void {
  const target = view.state.doc.line(Math.min(line, view.state.doc.lines));
  const anchor = Math.min(target.to, target.from + column - 1);
  view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
  view.focus();
}
