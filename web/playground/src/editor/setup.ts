import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { javascript } from "@codemirror/lang-javascript";
import { bracketMatching, indentOnInput } from "@codemirror/language";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import type { Language } from "../protocol";
import { text } from "../text/en";
import { assistance } from "./assistance";
import { errorLine } from "./marks";
import { editorTheme } from "./theme";

export interface EditorOptions {
  onEdit: (code: string) => void;
  /** What the engine exports, by the word before the dot. */
  names: () => Record<string, string[]>;
}

const grammar = new Compartment();
const typescript: Extension = [javascript({ typescript: true }), EditorState.tabSize.of(2)];

export function editorState(code: string, language: Language, options: EditorOptions): EditorState {
  return EditorState.create({ doc: code, extensions: extensions(language, options) });
}

/** Python's grammar is on its way when its first program is shown: until then it is plain text. */
export async function addPython(view: EditorView, wanted: () => boolean): Promise<void> {
  const python = await import("./python");
  if (wanted()) view.dispatch({ effects: grammar.reconfigure(python.grammar) });
}

function extensions(language: Language, { onEdit, names }: EditorOptions): Extension[] {
  return [
    lineNumbers(),
    highlightActiveLineGutter(),
    highlightActiveLine(),
    highlightSpecialChars(),
    history(),
    drawSelection(),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    autocompletion(),
    highlightSelectionMatches(),
    grammar.of(language === "typescript" ? typescript : []),
    assistance(language, names),
    errorLine,
    editorTheme,
    EditorView.contentAttributes.of({
      "aria-label": `${text.editor.label}. ${text.editor.escape}`,
      spellcheck: "false",
      tabindex: "0",
    }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) onEdit(update.state.doc.toString());
    }),
    keymap.of([
      ...closeBracketsKeymap,
      ...defaultKeymap.filter(({ key }) => key !== "Mod-Enter"),
      ...searchKeymap,
      ...historyKeymap,
      ...completionKeymap,
      indentWithTab,
    ]),
  ];
}
