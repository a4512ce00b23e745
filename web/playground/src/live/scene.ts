import type { SceneView, Shape } from "../protocol";
import { addView } from "../runner/feed";
import { post } from "../runner/port";
import { UsageError } from "../runner/usage";

/** How many numbers each kind has behind its name, and what they are. */
const kinds: Record<Shape[0], [numbers: number, what: string]> = {
  line: [4, '["line", x1, y1, x2, y2, color, width]'],
  rect: [4, '["rect", x, y, width, height, color], x and y of the lower left corner'],
  circle: [3, '["circle", x, y, radius, color]'],
  text: [2, '["text", x, y, words, color]'],
};

/** Names of the page's colours, so that a drawing fits the light and the dark theme. */
const colors = ["text", "muted", "ghost", "accent", "low", "high", "warn", "danger"];

const animation = 16;

/**
 * A drawing of simple shapes in the program's own units, y upwards. Called again, it shows the new shapes; the page
 * draws the last ones it has time for. `view` is what fits in: [lowest x, highest x, lowest y, highest y].
 */
export function scene(
  shapes: readonly Shape[],
  { view = [-1, 1, -1, 1], label = "scene" }: { view?: readonly number[]; label?: string } = {},
): void {
  const [left = Number.NaN, right = Number.NaN, low = Number.NaN, high = Number.NaN] = view;
  if (!(left < right && low < high && [left, right, low, high].every(Number.isFinite)))
    throw new UsageError(
      "scene",
      `view [${view.join(", ")}]`,
      "[lowest x, highest x, lowest y, highest y]",
      "Give four numbers, the lower before the higher.",
    );
  const id = `scene:${label}`;
  const drawn: SceneView = {
    kind: "scene",
    id,
    label,
    range: [left, right, low, high],
    shapes: shapes.map(checked),
  };
  addView({
    id,
    interval: animation,
    async sample() {
      post({ type: "view", view: drawn });
    },
  });
}

function checked(shape: Shape): Shape {
  const [numbers, what] = kinds[shape?.[0]] ?? [];
  if (numbers === undefined)
    throw new UsageError(
      "scene",
      `a shape ${JSON.stringify(shape)}`,
      `one of ${Object.keys(kinds).join(", ")}`,
      `A shape begins with its kind, as in ${kinds.circle[1]}.`,
    );
  const [kind, ...rest] = shape;
  const color = rest[kind === "text" ? 3 : numbers] ?? "text";
  const wrong = rest.slice(0, numbers).some((value) => !Number.isFinite(value));
  if (wrong || rest.length < numbers)
    throw new UsageError("scene", `a shape ${JSON.stringify(shape)}`, what ?? "", "Give finite numbers.");
  if (!colors.includes(String(color)))
    throw new UsageError(
      "scene",
      `the colour ${JSON.stringify(color)}`,
      `one of ${colors.join(", ")}`,
      "These fit the light and the dark theme.",
    );
  return [...shape] as unknown as Shape;
}
