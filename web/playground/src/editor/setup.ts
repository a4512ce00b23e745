import {
  autocompletion,
  type CompletionContext,
  type CompletionResult,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { javascript, typescriptLanguage } from "@codemirror/lang-javascript";
import { bracketMatching, indentOnInput } from "@codemirror/language";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { text } from "../text/en";
import { errorLine } from "./marks";
import { editorTheme } from "./theme";

export interface EditorOptions {
  onEdit: (code: string) => void;
  names: () => Record<string, string[]>;
}

export function editorState(code: string, options: EditorOptions): EditorState {
  return EditorState.create({ doc: code, extensions: extensions(options) });
}

function extensions({ onEdit, names }: EditorOptions): Extension[] {
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
    EditorState.tabSize.of(2),
    javascript({ typescript: true }),
    typescriptLanguage.data.of({ autocomplete: (context: CompletionContext) => complete(context, names()) }),
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

/** After `nn.`, `optim.`, `data.` or `Tensor.` their members; after any other dot, tensor methods. */
function complete(context: CompletionContext, names: Record<string, string[]>): CompletionResult | null {
  const member = context.matchBefore(/([\w$)\]]*)\.\w*$/);
  if (member) {
    const owner = /(\w*)\.\w*$/.exec(member.text)?.[1] ?? "";
    const known = owner === "tensor" ? undefined : names[owner || "tensor"];
    return result(
      context.pos - member.text.length + member.text.lastIndexOf(".") + 1,
      known ?? names.tensor,
      "method",
    );
  }
  const word = context.matchBefore(/\w+$/);
  return word && (context.explicit || word.text.length > 1) ? result(word.from, names[""], "variable") : null;
}

function result(from: number, names: string[] | undefined, type: string): CompletionResult | null {
  return names ? { from, options: names.map((label) => ({ label, type })), validFor: /^\w*$/ } : null;
}
