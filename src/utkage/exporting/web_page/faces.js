// From a picture to its faces with age and gender, computed on this device.

import * as ort from "./ort/ort.wasm.min.mjs";
import { ageInterval } from "./ages.js";
import { FaceDetector } from "./detector.js";
import { NETWORKS } from "./networks.js";
import { cutChip, similarity } from "./pixels.js";
import { Appearance, weaknesses } from "./quality.js";

export class Faces {
  /** Load both networks and the crop contract from the folder of this file. */
  static async load() {
    // More threads would need a server with cross-origin isolation; one is fast enough.
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = new URL("./ort/", import.meta.url).href;
    const url = (name) => new URL(name, import.meta.url).href;
    const faces = new Faces();
    faces.contract = await (await fetch(url("./contract.json"))).json();
    const classifier = async () => Appearance.read(
      await (await fetch(url("./face_appearance.safetensors"))).arrayBuffer(), faces.contract.appearance_size);
    const [detector, model, appearance] = await Promise.all([
      ort.InferenceSession.create(url("./detector.onnx")),
      ort.InferenceSession.create(url("./faces.onnx")),
      faces.contract.appearance_size === null ? null : classifier(),
    ]);
    faces.detector = new FaceDetector(detector, NETWORKS[faces.contract.detector], ort);
    faces.model = model;
    faces.appearance = appearance;
    return faces;
  }

  /** The faces of a picture ({ data: RGB, width, height }) with their predictions, largest first. */
  async predict(picture) {
    const { size, template } = this.contract;
    const found = await this.detector.detect(picture);
    const rows = [];
    for (const face of found) {
      const matrix = similarity(face.landmarks, template);
      const chip = cutChip(picture, matrix, size);
      const flags = weaknesses(chip, matrix, face.landmarks, picture, this.contract, this.appearance);
      const found = { ...face, flags, ...(await this.predictChip(chip.data)) };
      const [age_low, age_high] = ageInterval(found, this.contract);
      rows.push({ ...found, age_low, age_high });
    }
    return rows;
  }

  /** Predictions for one chip: RGB of size x size pixels. `distribution`: P(age) of each year from 0. */
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
      distribution: Array.from(outputs.age_distribution.data),
    };
  }
}
