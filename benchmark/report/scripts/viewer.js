// One image: a slider between two of its versions, its values, its prompts, and a grid of crops that move together.

import { address, byId, element, print, selectById, sizeOf, valuesOf } from "./data.js";

/** @typedef {import("./data.js").Data} Data */
/** @typedef {import("./state.js").State} State */

const CLOSEST = 16; // pixels of a crop's side, at least

/** LR, the methods and HR of a test set, as a select shows them. @param {Data} data @param {State} state */
export function versions(data, state) {
  const set = data.sets[state.set];
  const ends = [{ id: "LR", title: "LR, upsampled" }, { id: "HR", title: "HR" }].filter(({ id }) => id in set.shown);
  return [...ends.slice(0, 1), ...data.methods.filter(({ id }) => id in set.shown), ...ends.slice(1)];
}

/** Show the image of a state. @param {Data} data @param {State} state */
export function showImage(data, state) {
  const set = data.sets[state.set];
  byId("image-title").textContent = set.images.length ? `${set.images[state.image]}, ${set.title}` : "No images";
  showSlider(data, state);
  showValues(data, state);
  showPrompts(data, state);
  const [width, height] = sizeOf(set, state.image);
  const grid = byId("grid");
  byId("slider").style.setProperty("--aspect", String(width / height));
  for (const [name, value] of Object.entries({ width, height })) grid.style.setProperty(`--${name}`, String(value));
  grid.replaceChildren(...versions(data, state).map(({ id, title }) => {
    const source = address(set, id, state.image);
    const shown = source
      ? element("img", { src: source, alt: `${set.images[state.image]}, ${title}`, draggable: "false", loading: "lazy" })
      : element("span", { class: "absent" }, "image is missing");
    return element("figure", {}, element("div", { class: "crop" }, shown), element("figcaption", {}, title));
  }));
  moveBox(data, state);
}

/** Give the slider its two images. @param {Data} data @param {State} state */
function showSlider(data, state) {
  const set = data.sets[state.set];
  const absent = [];
  for (const [slot, id] of /** @type {[string, string][]} */ ([["first", state.left], ["second", state.right]])) {
    const image = /** @type {HTMLImageElement} */ (document.querySelector(`#slider [slot=${slot}]`));
    const title = versions(data, state).find((version) => version.id === id)?.title ?? id;
    const source = address(set, id, state.image);
    if (source) image.src = source;
    else absent.push(title);
    image.alt = title;
    image.classList.toggle("pixels", id === "LR");
  }
  byId("slider").hidden = absent.length > 0;
  byId("slider-absent").textContent = absent.map((title) => `The image of ${title} is missing in this report.`).join(" ");
}

/** List the values of the image in all metrics. @param {Data} data @param {State} state */
function showValues(data, state) {
  const set = data.sets[state.set];
  const metrics = data.metrics.filter(({ id }) => set.values[id]);
  const head = element("tr", {}, element("th", { scope: "col" }, "Method"), ...metrics.map(({ title, higher }) => element("th", { scope: "col", class: "number" }, title + (higher ? "↑" : "↓"))));
  const rows = data.methods.map(({ title }, method) => element("tr", {}, element("th", { scope: "row" }, title), ...metrics.map((metric) => {
    const units = valuesOf(set, metric.id, method)?.[state.image];
    return element("td", { class: "number" }, units == null ? "–" : print(data, metric, units));
  })));
  byId("values").replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
}

/** List the prompts of the image. @param {Data} data @param {State} state */
function showPrompts(data, state) {
  const set = data.sets[state.set];
  const entries = data.methods.flatMap(({ id, title }) => {
    const prompts = set.prompts[id];
    const text = typeof prompts === "object" ? prompts[set.images[state.image]] : prompts;
    return text ? [element("dt", {}, title), element("dd", {}, text)] : [];
  });
  byId("prompts").replaceChildren(...(entries.length ? entries : [element("dt", {}, "No method has a prompt for this image.")]));
}

/** Show the box of the state in every crop; the crops follow by their style. @param {Data} data @param {State} state */
export function moveBox(data, state) {
  const [width, height] = sizeOf(data.sets[state.set], state.image);
  const [left, top, side] = state.box.length ? state.box : [0, 0, Math.max(width, height)];
  const grid = byId("grid");
  for (const [name, value] of Object.entries({ left, top, side })) grid.style.setProperty(`--${name}`, String(value));
  grid.classList.toggle("zoomed", state.box.length > 0);
  byId("box").textContent = state.box.length ? `${Math.round(side)} × ${Math.round(side)} pixels at ${Math.round(left)}, ${Math.round(top)}` : `whole image, ${width} × ${height} pixels`;
}

/** Round to a tenth of a pixel. @param {number} pixels */
const rounded = (pixels) => Math.round(pixels * 10) / 10;

/**
 * Zoom about a place and pan.
 * @param {Data} data
 * @param {State} state
 * @param {number} factor of the side; below 1: closer
 * @param {[number, number]} about place in the crop, 0 to 1
 * @param {[number, number]} by shift in shares of the crop
 * @returns {number[]} the new box
 */
export function changedBox(data, state, factor, about, by) {
  const size = sizeOf(data.sets[state.set], state.image);
  const whole = Math.max(...size);
  const [left, top, side] = state.box.length ? state.box : [0, 0, whole];
  const wanted = rounded(Math.min(whole, Math.max(CLOSEST, side * factor)));
  if (wanted >= whole && factor >= 1) return [];
  const start = [left, top].map((from, axis) => {
    const moved = from + (side - wanted) * about[axis] + by[axis] * side;
    return rounded(Math.min(Math.max(0, size[axis] - wanted), Math.max(0, moved)));
  });
  return [start[0], start[1], wanted, wanted];
}

/** Let mouse, touch and keyboard move the box. @param {Data} data @param {() => State} current @param {(box: number[]) => void} move */
export function listen(data, current, move) {
  const grid = byId("grid");
  /** @param {number} factor @param {[number, number]} about @param {[number, number]} by */
  const change = (factor, about = [0.5, 0.5], by = [0, 0]) => move(changedBox(data, current(), factor, about, by));
  grid.addEventListener("wheel", (event) => {
    const crop = event.target instanceof Element ? event.target.closest(".crop") : null;
    if (!crop) return;
    event.preventDefault();
    const place = crop.getBoundingClientRect();
    change(event.deltaY > 0 ? 1.25 : 0.8, [(event.clientX - place.left) / place.width, (event.clientY - place.top) / place.height]);
  }, { passive: false });
  grid.addEventListener("pointermove", (event) => {
    const crop = event.target instanceof Element ? event.target.closest(".crop") : null;
    if (!crop || !event.buttons || !current().box.length) return;
    const { width } = crop.getBoundingClientRect();
    change(1, [0.5, 0.5], [-event.movementX / width, -event.movementY / width]);
  });
  /** @type {Record<string, () => void>} */
  const keys = {
    "+": () => change(0.8), "=": () => change(0.8), "-": () => change(1.25), "0": () => move([]),
    ArrowLeft: () => change(1, [0.5, 0.5], [-0.1, 0]), ArrowRight: () => change(1, [0.5, 0.5], [0.1, 0]),
    ArrowUp: () => change(1, [0.5, 0.5], [0, -0.1]), ArrowDown: () => change(1, [0.5, 0.5], [0, 0.1]),
  };
  grid.addEventListener("keydown", (event) => {
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
  for (const [id, key] of [["zoom-in", "+"], ["zoom-out", "-"], ["zoom-reset", "0"]]) byId(id).onclick = keys[key];
  const slider = /** @type {HTMLElement & {value: number}} */ (byId("slider"));
  slider.addEventListener("slide", () => slider.setAttribute("aria-valuenow", String(Math.round(slider.value))));
}

/** Fill the selects of the slider's sides. @param {Data} data @param {State} state */
export function fillSides(data, state) {
  for (const [id, value] of [["left", state.left], ["right", state.right]]) {
    const select = selectById(id);
    select.replaceChildren(...versions(data, state).map((version) => element("option", { value: version.id }, version.title)));
    select.value = value;
  }
}
