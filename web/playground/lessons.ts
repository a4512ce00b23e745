import { Marked } from "marked";
import type { Plugin } from "vite";
import type { Language } from "./src/protocol";

/** A lesson's text as HTML in each language, made when the page is built. */
export function lessons(): Plugin {
  return {
    name: "lessons",
    transform(source, id) {
      if (!id.endsWith(".md")) return;
      const html = { typescript: lessonHtml(source, "typescript"), python: lessonHtml(source, "python") };
      return { code: `export default ${JSON.stringify(html)};`, map: null };
    },
  };
}

const marked = new Marked({
  renderer: {
    heading({ tokens, depth }) {
      return `<h${depth + 1}>${this.parser.parseInline(tokens)}</h${depth + 1}>\n`;
    },
    link({ href, tokens }) {
      return `<a href="${href}" target="_blank" rel="noreferrer">${this.parser.parseInline(tokens)}</a>`;
    },
  },
});

/** Code is spelled `TypeScript ¦ Python` where the two differ; the reader sees one. */
export function lessonHtml(source: string, language: Language): string {
  const chosen = source.replace(/`([^`¦]*?) ¦ ([^`]*)`/g, language === "python" ? "`$2`" : "`$1`");
  return marked.parse(chosen, { async: false });
}
