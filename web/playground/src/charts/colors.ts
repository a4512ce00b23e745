/** Canvas drawings take their colours from the style sheet, in the theme of the moment. */

export type Rgb = [number, number, number];

const probe = document.createElement("span");
probe.hidden = true;

export function cssColor(name: string): string {
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

export function cssRgb(name: string): Rgb {
  const [red = 0, green = 0, blue = 0] =
    cssColor(name)
      .match(/[\d.]+/g)
      ?.map(Number) ?? [];
  return [red, green, blue];
}

/** -1 … 1 from the low colour over the middle to the high one. */
export function diverging(low: Rgb, middle: Rgb, high: Rgb): (value: number) => Rgb {
  return (value) => {
    const end = value < 0 ? low : high;
    const share = Math.min(1, Math.abs(value) || 0);
    return mix(middle, end, share);
  };
}

export function mix(from: Rgb, to: Rgb, share: number): Rgb {
  return [0, 1, 2].map((i) => (from[i] ?? 0) + ((to[i] ?? 0) - (from[i] ?? 0)) * share) as Rgb;
}

/** Okabe and Ito's palette, told apart by colour-blind eyes. */
export const classColors: readonly Rgb[] = [
  [0, 114, 178],
  [213, 94, 0],
  [0, 158, 115],
  [204, 121, 167],
  [230, 159, 0],
  [86, 180, 233],
  [240, 228, 66],
  [120, 120, 120],
];

export function onThemeChange(handler: () => void): () => void {
  const media = matchMedia("(prefers-color-scheme: dark)");
  const observer = new MutationObserver(handler);
  observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  media.addEventListener("change", handler);
  return () => {
    observer.disconnect();
    media.removeEventListener("change", handler);
  };
}

/** Paints now and again whenever the theme changes. */
export function paintThemed(
  canvas: HTMLCanvasElement,
  paint: (context: CanvasRenderingContext2D) => void,
): () => void {
  const context = canvas.getContext("2d");
  if (!context) return () => undefined;
  paint(context);
  return onThemeChange(() => paint(context));
}

export function paintCells(
  context: CanvasRenderingContext2D,
  width: number,
  height: number,
  color: (index: number) => Rgb,
): void {
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const [red, green, blue] = color(i);
    image.data.set([red, green, blue, 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
}
