// What is being compared, and its permalink: #set/image/methods/metric/box.

import { firstShown } from "./data.js";

/** @typedef {import("./data.js").Data} Data */
/**
 * @typedef {object} State
 * @property {number} set
 * @property {number} image
 * @property {number} a first method
 * @property {number} b second method
 * @property {string} left of the slider: LR, HR or a method's id
 * @property {string} right of the slider
 * @property {string} metric
 * @property {number[]} box left, top, width, height in pixels of the SR image; empty: the whole image
 */

/** The state before anything is chosen. @param {Data} data @returns {State} */
export function initial(data) {
  const metric = data.metrics.find(({ id }) => id === "lpips") ?? data.metrics[0];
  const [b, left, right] = [data.methods.length - 1, data.methods[0].id, data.methods[data.methods.length - 1].id];
  return { set: 0, image: data.sets.length ? firstShown(data.sets[0], left, right) : 0, a: 0, b, left, right, metric: metric?.id ?? "", box: [] };
}

/** Write a state as the part of an address after the hash. @param {Data} data @param {State} state */
export function toHash(data, state) {
  const set = data.sets[state.set];
  const parts = [set.id, set.images[state.image] ?? "", [data.methods[state.a].id, data.methods[state.b].id, state.left, state.right].join(","), state.metric, state.box.join(",")];
  return `#${parts.map(encodeURIComponent).join("/")}`;
}

/** Read a state from an address; what is unknown there stays as it is. @param {Data} data @param {string} hash @param {State} state @returns {State} */
export function fromHash(data, hash, state) {
  const [setId, imageName, methods = "", metric = "", box = ""] = hash.replace(/^#/, "").split("/").map(unescapePart);
  const found = data.sets.findIndex(({ id }) => id === setId);
  const set = found < 0 ? state.set : found;
  const image = Math.max(0, data.sets[set].images.indexOf(imageName ?? ""));
  const [a, b, left = a, right = b] = methods.split(",");
  const ids = data.methods.map(({ id }) => id);
  /** @param {string} id @param {number} other */
  const method = (id, other) => (ids.includes(id) ? ids.indexOf(id) : other);
  /** @param {string} id @param {string} other */
  const side = (id, other) => (["LR", "HR", ...ids].includes(id) ? id : other);
  const numbers = box.split(",").map(Number);
  return {
    set,
    image,
    a: method(a, state.a),
    b: method(b, state.b),
    left: side(left, state.left),
    right: side(right, state.right),
    metric: data.metrics.some(({ id }) => id === metric) ? metric : state.metric,
    box: numbers.length === 4 && numbers.every(Number.isFinite) && numbers[2] > 0 ? numbers : [],
  };
}

/** Decode a part of an address; a part that is damaged stays as it is. @param {string} part */
function unescapePart(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
