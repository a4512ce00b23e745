import { cssColor } from "../../charts/colors";
import type { SceneView, Shape } from "../../protocol";

const mostHeight = 340;
const fontSize = 13;

/** Draws the shapes as wide as there is room, and gives the canvas that size. */
export function paintScene(canvas: HTMLCanvasElement, view: SceneView, across: number): void {
  const [xLow, xHigh, yLow, yHigh] = view.range;
  const scale = Math.min(across / (xHigh - xLow), mostHeight / (yHigh - yLow));
  const [width, height] = [scale * (xHigh - xLow), scale * (yHigh - yLow)];
  const ratio = devicePixelRatio;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  if (!context) return;
  context.scale(ratio, ratio);
  context.lineCap = "round";
  context.font = `${fontSize}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const shape of view.shapes) add(context, shape, view, scale);
}

function add(
  context: CanvasRenderingContext2D,
  shape: Shape,
  { range: [xLow, , , yHigh] }: SceneView,
  scale: number,
): void {
  const x = (value: number) => (value - xLow) * scale;
  const y = (value: number) => (yHigh - value) * scale;
  const use = (name = "text") => {
    context.fillStyle = context.strokeStyle = cssColor(name);
  };
  context.beginPath();
  switch (shape[0]) {
    case "line": {
      const [, x1, y1, x2, y2, color, thickness] = shape;
      use(color);
      context.lineWidth = thickness === undefined ? 2 : Math.max(1, thickness * scale);
      context.moveTo(x(x1), y(y1));
      context.lineTo(x(x2), y(y2));
      context.stroke();
      return;
    }
    case "rect": {
      const [, left, bottom, w, h, color] = shape;
      use(color);
      context.roundRect(x(left), y(bottom + h), w * scale, h * scale, Math.min(3, (h * scale) / 2));
      context.fill();
      return;
    }
    case "circle": {
      const [, centerX, centerY, radius, color] = shape;
      use(color);
      context.arc(x(centerX), y(centerY), Math.abs(radius) * scale, 0, 2 * Math.PI);
      context.fill();
      return;
    }
    case "text": {
      const [, centerX, centerY, written, color] = shape;
      use(color);
      context.fillText(String(written), x(centerX), y(centerY));
      return;
    }
  }
}
