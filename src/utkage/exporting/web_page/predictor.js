// The faces of pictures, computed by the worker.

export class Predictor {
  #worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  #waiting = new Map();
  #last = 0;

  constructor() {
    /** Settles when the networks are loaded, or cannot be. */
    this.ready = new Promise((loaded, failed) => {
      this.#worker.onerror = () => failed(new Error("the worker could not be started"));
      this.#worker.onmessage = ({ data }) => {
        if (data.loaded) return loaded();
        if (data.failed) return failed(new Error(data.failed));
        const { done, wrong } = this.#waiting.get(data.id);
        this.#waiting.delete(data.id);
        return data.error ? wrong(new Error(data.error)) : done(data.faces);
      };
    });
  }

  /** The faces of a picture, largest first. `pixels`: ImageData, whose memory moves to the worker. */
  async predict({ data, width, height }) {
    await this.ready;
    const id = ++this.#last;
    const result = new Promise((done, wrong) => this.#waiting.set(id, { done, wrong }));
    this.#worker.postMessage({ id, pixels: { data, width, height } }, [data.buffer]);
    return result;
  }
}
