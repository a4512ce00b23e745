/** A row of the table as Python has it. */
export interface PythonRow {
  name: string;
  signature: string;
  doc: string;
  example: string;
}
export function pythonRows(
  rows: { theme: string; name: string; args?: string; doc: string; example?: string }[],
): PythonRow[];
