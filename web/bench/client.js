/** A benchmark worker seen from its page: one engine, one workload, started and then measured. */
export class BenchClient {
  #worker;
  #waiting = new Map();
  #last = 0;

  constructor(worker) {
    this.#worker = worker;
    worker.addEventListener("message", ({ data: { id, result, error } }) => {
      const { done, fail } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) done(result);
      else fail(new Error(error));
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#fail(event.message || "the worker could not be loaded");
    });
  }

  #call(call, ...args) {
    this.#last += 1;
    const id = this.#last;
    return new Promise((done, fail) => {
      this.#waiting.set(id, { done, fail });
      this.#worker.postMessage({ id, call, args });
    });
  }

  #fail(message) {
    for (const { fail } of this.#waiting.values()) fail(new Error(message));
    this.#waiting.clear();
  }

  start(engine, workload, options = {}) {
    return this.#call("start", engine, workload, options);
  }

  measure(budget, ms) {
    return this.#call("measure", budget, ms);
  }

  end() {
    this.#worker.terminate();
    this.#fail("stopped");
  }
}
