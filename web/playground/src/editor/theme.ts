import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

/** Colours follow the page's own variables, so light and dark need one theme. */

const highlight = HighlightStyle.define([
  {
    tag: [tags.keyword, tags.operatorKeyword, tags.controlKeyword, tags.moduleKeyword],
    color: "var(--code-keyword)",
  },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--code-number)" },
  { tag: [tags.comment], color: "var(--code-comment)", fontStyle: "italic" },
  {
    tag: [tags.function(tags.variableName), tags.function(tags.propertyName)],
    color: "var(--code-function)",
  },
  { tag: [tags.typeName, tags.className], color: "var(--code-type)" },
  { tag: [tags.invalid], color: "var(--danger)" },
]);

const look = EditorView.theme({
  "&": { height: "100%", backgroundColor: "var(--surface)", color: "var(--text)", fontSize: "13px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.65", fontVariantLigatures: "none" },
  ".cm-content": { padding: "10px 0 40px", caretColor: "var(--accent)" },
  ".cm-line": { padding: "0 14px 0 8px" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--accent)", borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--code-selection)",
  },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--muted)", border: "none" },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 8px 0 14px", minWidth: "34px" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--code-line)" },
  ".cm-activeLineGutter": { color: "var(--text)" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": {
    backgroundColor: "var(--accent-soft)",
    outline: "1px solid var(--accent)",
  },
  ".cm-selectionMatch, .cm-searchMatch": { backgroundColor: "var(--accent-soft)" },
  ".cm-tooltip": {
    border: "1px solid var(--line)",
    borderRadius: "8px",
    backgroundColor: "var(--raised)",
    color: "var(--text)",
    boxShadow: "var(--shadow-high)",
    overflow: "hidden",
  },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--accent)",
    color: "var(--on-accent)",
  },
  ".cm-tooltip.cm-tooltip-autocomplete": { overflow: "visible" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": {
    borderRadius: "8px",
    fontFamily: "var(--mono)",
    fontSize: "12.5px",
  },
  ".cm-doc": {
    display: "grid",
    gap: "6px",
    maxWidth: "min(440px, calc(100vw - 40px))",
    maxHeight: "320px",
    overflow: "auto",
    padding: "10px 12px",
    font: "13px / 1.5 var(--font)",
    whiteSpace: "normal",
  },
  ".cm-doc code, .cm-doc pre": { fontFamily: "var(--mono)", fontSize: "12px" },
  ".cm-doc p code": { padding: "0 4px", borderRadius: "4px", backgroundColor: "var(--sunken)" },
  ".cm-doc-signature": { fontWeight: "600", overflowWrap: "anywhere" },
  ".cm-doc-also": { color: "var(--muted)" },
  ".cm-doc pre": {
    margin: "0",
    padding: "6px 9px",
    borderRadius: "6px",
    backgroundColor: "var(--sunken)",
    whiteSpace: "pre-wrap",
    overflowWrap: "anywhere",
  },
  ".cm-doc a": { color: "var(--accent)" },
  ".cm-tooltip.cm-completionInfo": { margin: "0 6px", padding: "0", maxWidth: "none" },
  ".cm-panels": { backgroundColor: "var(--sunken)", color: "var(--text)", borderColor: "var(--line)" },
  ".cm-textfield": {
    backgroundColor: "var(--surface)",
    border: "1px solid var(--line-strong)",
    borderRadius: "5px",
  },
  ".cm-button": {
    backgroundImage: "none",
    backgroundColor: "var(--surface)",
    border: "1px solid var(--line-strong)",
    borderRadius: "5px",
  },
  ".cm-diagnostic": {
    padding: "8px 12px",
    fontFamily: "var(--font)",
    maxWidth: "460px",
    whiteSpace: "pre-wrap",
  },
  ".cm-diagnostic-error": { borderLeft: "3px solid var(--danger)" },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--danger) 1.2px",
    textUnderlineOffset: "4px",
    textDecorationSkipInk: "none",
  },
  ".cm-errorLine": { backgroundColor: "var(--danger-soft)" },
});

export const editorTheme: Extension = [look, syntaxHighlighting(highlight)];
