// From a picture to its faces with age and gender, computed on this device.

import * as ort from "./ort/ort.wasm.min.mjs";
import { FaceDetector } from "./detector.js";
import { NETWORKS } from "./networks.js";
import { cutChip, similarity } from "./pixels.js";

export class Faces {
  /** Load both networks and the crop contract from the folder of this file. */
  static async load() {
    // More threads would need a server with cross-origin isolation; one is fast enough.
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = new URL("./ort/", import.meta.url).href;
    const url = (name) => new URL(name, import.meta.url).href;
    const faces = new Faces();
    faces.contract = await (await fetch(url("./contract.json"))).json();
    const [detector, model] = await Promise.all([
      ort.InferenceSession.create(url("./detector.onnx")),
      ort.InferenceSession.create(url("./faces.onnx")),
    ]);
    faces.detector = new FaceDetector(detector, NETWORKS[faces.contract.detector], ort);
    faces.model = model;
    return faces;
  }

  /** The faces of a picture ({ data: RGB, width, height }) with their predictions, largest first. */
  async predict(picture) {
    const { size, template } = this.contract;
    const found = await this.detector.detect(picture);
    const rows = [];
    for (const face of found) {
      const chip = cutChip(picture, similarity(face.landmarks, template), size);
      rows.push({ ...face, ...(await this.predictChip(chip.data)) });
    }
    return rows;
  }

  /** Predictions for one chip: RGB of size x size pixels. */
  async predictChip(rgb) {
    const { size, ranges } = this.contract;
    const chips = new ort.Tensor("uint8", rgb, [1, size, size, 3]);
    const outputs = await this.model.run({ chips });
    const first = (name) => outputs[name].data[0];
    const probabilities = Array.from(outputs.range_probabilities.data);
    const best = probabilities.indexOf(Math.max(...probabilities));
    return {
      age: first("age"),
      age_low: first("age_low"),
      age_high: first("age_high"),
      range: ranges[best],
      range_probability: probabilities[best],
      p_female: first("p_female"),
    };
  }
}
