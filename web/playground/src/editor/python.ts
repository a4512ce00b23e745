import { python } from "@codemirror/lang-python";
import { indentUnit } from "@codemirror/language";
import { EditorState, type Extension } from "@codemirror/state";

/** Loaded when Python is first chosen. */
export const grammar: Extension = [python(), indentUnit.of("    "), EditorState.tabSize.of(4)];
