import { cssColor } from "../charts/colors";

export function download(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const titleHeight = 28;

/** The charts on the page, one below the other, each under its name. */
export function downloadCharts(names: string[]): void {
  const parts = names.flatMap((name) => {
    const canvas = document.querySelector<HTMLCanvasElement>(
      `[data-panel=${JSON.stringify(`chart:${name}`)}] canvas`,
    );
    return canvas ? [{ name, canvas }] : [];
  });
  const ratio = devicePixelRatio;
  const sheet = document.createElement("canvas");
  sheet.width = Math.max(1, ...parts.map(({ canvas }) => canvas.width));
  sheet.height = parts.reduce((sum, { canvas }) => sum + canvas.height + titleHeight * ratio, 0);
  const context = sheet.getContext("2d");
  if (!context) return;
  context.fillStyle = cssColor("surface");
  context.fillRect(0, 0, sheet.width, sheet.height);
  context.fillStyle = cssColor("text");
  context.font = `600 ${13 * ratio}px system-ui, sans-serif`;
  let top = 0;
  for (const { name, canvas } of parts) {
    context.fillText(name, 10 * ratio, top + 19 * ratio);
    context.drawImage(canvas, 0, top + titleHeight * ratio);
    top += canvas.height + titleHeight * ratio;
  }
  sheet.toBlob((blob) => {
    if (blob) download("playgrad.png", blob);
  });
}
