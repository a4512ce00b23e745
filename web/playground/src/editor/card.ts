import { text } from "../text/en";
import { parseInline } from "../ui/inline";
import type { Topic } from "./docs";

/** A topic as the editor's tooltips show it: signature, words, example. */
export function card({ signature, doc, also, example, link }: Topic): HTMLElement {
  const box = element("div", "cm-doc");
  box.append(element("code", "cm-doc-signature", signature));
  const words = element("p");
  for (const part of parseInline(doc))
    words.append(
      part.kind === "text" ? part.text : element(part.kind === "code" ? "code" : "strong", "", part.text),
    );
  box.append(words);
  if (also.length > 0) box.append(element("p", "cm-doc-also", text.editor.also(also)));
  if (example) box.append(element("pre", "", example));
  if (link) {
    const more = element("a", "", text.editor.reference) as HTMLAnchorElement;
    more.href = link;
    more.target = "_blank";
    box.append(more);
  }
  return box;
}

function element(tag: string, className = "", words = ""): HTMLElement {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = words;
  return made;
}
