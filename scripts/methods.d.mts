/** A row of `crate/methods/*.json`, with its file's name as theme. */
export interface Row {
  theme: string;
  name: string;
  aliases?: string[];
  static?: true | "too";
  args?: string;
  returns?: string;
  face?: string;
  kind?: "class" | "function";
  doc: string;
  source?: string;
  example: string;
}
export function rows(): Row[];
export function runs(row: Row): boolean;
export function generate(): void;
