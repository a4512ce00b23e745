import type { FromWorker } from "../protocol";

/** The worker's side of the line to the page. */

interface WorkerPort {
  postMessage(message: FromWorker, transfer: Transferable[]): void;
}

export function post(message: FromWorker, transfer: Transferable[] = []): void {
  (self as unknown as WorkerPort).postMessage(message, transfer);
}
