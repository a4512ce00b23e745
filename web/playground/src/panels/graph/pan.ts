/** Where the drawing stands in its frame: moved by pointers and keys, zoomed by a pinch or Ctrl and the wheel. */

export interface Camera {
  x: number;
  y: number;
  scale: number;
}

interface Size {
  width: number;
  height: number;
}

const closest = 2.5;
const farthest = 0.08;

/** The smallest scale at which words are read. */
export const legible = 0.75;

/** What is seen first: all of it, or where that is too small to read, the right end with the result. */
export function opening(drawing: Size, frame: Size): Camera {
  const all = fitted(drawing, frame);
  if (all.scale >= legible) return all;
  return {
    x: frame.width - legible * drawing.width,
    y: (frame.height - legible * drawing.height) / 2,
    scale: legible,
  };
}

/** All of the drawing in the frame, no larger than it is. */
export function fitted(drawing: Size, frame: Size): Camera {
  const scale = Math.max(farthest, Math.min(1, frame.width / drawing.width, frame.height / drawing.height));
  return {
    x: (frame.width - scale * drawing.width) / 2,
    y: (frame.height - scale * drawing.height) / 2,
    scale,
  };
}

/** What is at x, y of the frame stays there. */
export function zoomed(camera: Camera, factor: number, x: number, y: number): Camera {
  const scale = Math.min(closest, Math.max(farthest, camera.scale * factor));
  const by = scale / camera.scale;
  return { x: x - by * (x - camera.x), y: y - by * (y - camera.y), scale };
}

/** Moved as little as brings a box into the frame. */
export function showing(camera: Camera, box: Size & { x: number; y: number }, frame: Size): Camera {
  const shift = (place: number, middle: number, half: number, room: number) => {
    const low = place + camera.scale * (middle - half) - 16;
    const high = place + camera.scale * (middle + half) + 16;
    return low < 0 ? place - low : high > room ? place - (high - room) : place;
  };
  return {
    x: shift(camera.x, box.x, box.width / 2, frame.width),
    y: shift(camera.y, box.y, box.height / 2, frame.height),
    scale: camera.scale,
  };
}

/** One pointer drags, two pinch. */
export function followPointers(
  element: HTMLElement,
  read: () => Camera,
  write: (camera: Camera) => void,
): () => void {
  const held = new Map<number, { x: number; y: number }>();
  const place = (event: PointerEvent | WheelEvent) => {
    const { left, top } = element.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  const spread = () => {
    const [a, b] = [...held.values()];
    return a && b ? { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, size: Math.hypot(a.x - b.x, a.y - b.y) } : null;
  };

  function press(event: PointerEvent): void {
    if (event.button !== 0) return;
    held.set(event.pointerId, place(event));
    element.setPointerCapture(event.pointerId);
  }

  function move(event: PointerEvent): void {
    const before = held.get(event.pointerId);
    if (!before) return;
    const pinch = spread();
    const now = place(event);
    held.set(event.pointerId, now);
    const camera = read();
    const after = spread();
    if (!pinch || !after)
      write({ ...camera, x: camera.x + now.x - before.x, y: camera.y + now.y - before.y });
    else
      write(
        zoomed(
          { ...camera, x: camera.x + after.x - pinch.x, y: camera.y + after.y - pinch.y },
          after.size / (pinch.size || 1),
          after.x,
          after.y,
        ),
      );
  }

  function release(event: PointerEvent): void {
    held.delete(event.pointerId);
  }

  function wheel(event: WheelEvent): void {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const { x, y } = place(event);
    write(zoomed(read(), Math.exp(-event.deltaY / 300), x, y));
  }

  const handlers = {
    pointerdown: press,
    pointermove: move,
    pointerup: release,
    pointercancel: release,
    wheel,
  };
  for (const [name, handler] of Object.entries(handlers))
    element.addEventListener(name, handler as EventListener, { passive: false });
  return () => {
    for (const [name, handler] of Object.entries(handlers))
      element.removeEventListener(name, handler as EventListener);
  };
}
