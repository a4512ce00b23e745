// What a row of crate/methods/*.json says of its parameters; for scripts, tests and the reference page.

export const camel = (name) => name.replace(/(?<=.)_(\w)/g, (_, letter) => letter.toUpperCase());

/** The parameters of a row: `{ name, type, many, optional, default, keyword }`. */
export function parameters(row) {
  const parts = (row.args ?? "").split(/,(?![^[(]*[\])])/).map((part) => part.trim());
  const star = parts.indexOf("*");
  return parts.flatMap((part, place) => {
    if (part === "" || part === "*") return [];
    const [, several, name, type, maybe, standard] =
      /^(\*?)(\w+)\s*:\s*([^=]+?)(\??)\s*(?:=\s*(.*))?$/.exec(part) ?? [];
    if (type === undefined) throw new Error(`${row.name}: cannot read the parameter \`${part}\``);
    const optional = maybe === "?" || type === "axes";
    const many = several !== "" || /^(shape|dims|slices|index)$/.test(type);
    return [{ name, type, many, optional, default: standard, keyword: star >= 0 && place > star }];
  });
}
