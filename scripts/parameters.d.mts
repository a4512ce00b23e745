export interface Parameter {
  name: string;
  type: string;
  /** Whether it takes all that is given: `f(2, 3)`. */
  many: boolean;
  /** Whether `None` may be given. */
  optional: boolean;
  /** As the row writes it. */
  default: string | undefined;
  /** Whether JavaScript takes it in the trailing object. */
  keyword: boolean;
}
export function camel(name: string): string;
export function parameters(row: { name: string; args?: string }): Parameter[];
