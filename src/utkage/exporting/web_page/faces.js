// From a picture to its faces with age and gender, on this device alone.

import * as ort from "./ort/ort.wasm.min.mjs";
import { FaceDetector } from "./detector.js";
import { NETWORKS } from "./networks.js";
import { cutChip, similarity } from "./pixels.js";

export class Faces {
  /** Load both networks and the crop contract, which lie beside this file. */
  static async load() {
    // More threads need a server that isolates the page; one is fast enough.
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = new URL("./ort/", import.meta.url).href;
    const beside = (name) => new URL(name, import.meta.url).href;
    const faces = new Faces();
    const answer = await fetch(beside("./contract.json"));
    faces.contract = await answer.json();
    const [detector, model] = await Promise.all([
      ort.InferenceSession.create(beside("./detector.onnx")),
      ort.InferenceSession.create(beside("./faces.onnx")),
    ]);
    faces.detector = new FaceDetector(detector, NETWORKS[faces.contract.detector], ort);
    faces.model = model;
    return faces;
  }

  /** Every face of a picture ({ data: RGB, width, height }) with its answers, the largest first. */
  async answer(picture) {
    const { size, template } = this.contract;
    const found = await this.detector.detect(picture);
    const rows = [];
    for (const face of found) {
      const chip = cutChip(picture, similarity(face.landmarks, template), size);
      rows.push({ ...face, ...(await this.answerChip(chip.data)) });
    }
    return rows;
  }

  /** Answers for one chip: RGB of size x size pixels. */
  async answerChip(rgb) {
    const { size, ranges } = this.contract;
    const chips = new ort.Tensor("uint8", rgb, [1, size, size, 3]);
    const answers = await this.model.run({ chips });
    const first = (name) => answers[name].data[0];
    const shares = Array.from(answers.range_probabilities.data);
    const best = shares.indexOf(Math.max(...shares));
    return {
      age: first("age"),
      age_low: first("age_low"),
      age_high: first("age_high"),
      range: ranges[best],
      range_probability: shares[best],
      p_female: first("p_female"),
    };
  }
}
