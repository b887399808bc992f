// Two methods on all images of a test set: the differences as a strip, their verdict, and the images ranked by them.

import { byId, element, print, signed, thumbnail, valuesOf } from "./data.js";

/** @typedef {import("./data.js").Data} Data */
/** @typedef {import("./data.js").Metric} Metric */
/** @typedef {import("./data.js").TestSet} TestSet */
/** @typedef {import("./state.js").State} State */
/** @typedef {{image: number, difference: number}} Ranked */

const SHOWN = 10;

/** Rank the images by the difference first minus second, best for the first method first. @param {Data} data @param {State} state @returns {Ranked[]} */
function rank(data, state) {
  const set = data.sets[state.set];
  const [first, second] = [valuesOf(set, state.metric, state.a), valuesOf(set, state.metric, state.b)];
  const metric = data.metrics.find(({ id }) => id === state.metric);
  if (!first || !second || !metric) return [];
  const unit = 10 ** (metric.decimals + data.extraDigits);
  const sign = metric.higher ? -1 : 1;
  /** @type {Ranked[]} */
  const ranked = [];
  first.forEach((value, image) => {
    const other = second[image];
    if (value !== null && other !== null) ranked.push({ image, difference: (value - other) / unit });
  });
  return ranked.sort((one, two) => sign * (one.difference - two.difference));
}

/** Draw everything that depends on the two methods and the metric. @param {Data} data @param {State} state @param {(image: number) => void} choose */
export function showComparison(data, state, choose) {
  const set = data.sets[state.set];
  const metric = data.metrics.find(({ id }) => id === state.metric);
  const ranked = rank(data, state);
  byId("verdict").textContent = metric ? verdict(data, state, metric, ranked) : "No metric has a value for single images.";
  const titles = [data.methods[state.a].title, data.methods[state.b].title];
  drawStrip(ranked, state, metric?.higher ?? true, titles, choose);
  const half = Math.min(SHOWN, Math.ceil(ranked.length / 2));
  const lists = [ranked.slice(0, half), ranked.slice(half).reverse().slice(0, SHOWN)];
  lists.forEach((list, index) => {
    byId(`best-${index}-title`).textContent = list.length ? `Best for ${titles[index]} against ${titles[1 - index]}` : "";
    byId(`best-${index}`).replaceChildren(...list.map((entry) => imageButton(data, set, entry, metric, state, choose)));
  });
  const all = /** @type {HTMLDetailsElement} */ (byId("all-images"));
  const list = byId("ranked");
  const shown = [set.id, state.a, state.b, state.metric].join("/");
  const listAll = () => {
    if (!all.open || list.dataset.shown === shown) return;
    list.dataset.shown = shown;
    list.replaceChildren(...ranked.map((entry) => imageButton(data, set, entry, metric, state, choose)));
  };
  all.ontoggle = listAll;
  listAll();
  for (const item of /** @type {Iterable<HTMLElement>} */ (list.querySelectorAll("li"))) {
    item.firstElementChild?.setAttribute("aria-pressed", String(item.dataset.image === String(state.image)));
  }
  byId("all-count").textContent = `All ${ranked.length || set.images.length} images, ranked`;
}

/** Say what the paired comparison found. @param {Data} data @param {State} state @param {Metric} metric @param {Ranked[]} ranked */
function verdict(data, state, metric, ranked) {
  const set = data.sets[state.set];
  const [a, b] = [data.methods[state.a].title, data.methods[state.b].title];
  if (state.a === state.b) return "Choose two different methods.";
  if (!ranked.length) {
    const absent = [state.a, state.b].filter((method) => !valuesOf(set, metric.id, method));
    return `Nothing to compare: no ${metric.title} of ${absent.map((method) => data.methods[method].title).join(" and ")}.`;
  }
  const pair = (set.pairs[metric.id] ?? []).find(([one, two]) => new Set([one, two, state.a, state.b]).size === 2);
  const mean = ranked.reduce((sum, { difference }) => sum + difference, 0) / ranked.length;
  const start = `${a} minus ${b}, ${metric.title} (${metric.higher ? "higher" : "lower"} is better): ${signed(metric, mean)}`;
  if (!pair) return `${start} on ${ranked.length === 1 ? "one image; there is no interval and no test" : `${ranked.length} images; not tested`}.`;
  const [one, , , low, high, bootstrap, wilcoxon, better] = pair;
  const ends = one === state.a ? [low, high] : [-high, -low];
  const decided = better < 0 ? "The difference is not significant" : `${data.methods[better].title} is significantly better`;
  const tests = `paired bootstrap p ${bootstrap.toPrecision(2)}, Wilcoxon p ${wilcoxon.toPrecision(2)}, corrected by Holm`;
  return `${start}, 95 % interval ${signed(metric, ends[0])} to ${signed(metric, ends[1])}, ${ranked.length} images. ${decided} (${tests}).`;
}

/** Make an element of SVG. @param {"svg" | "path"} tag @param {Record<string, string>} attributes @returns {SVGElement} */
function svgElement(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** Draw a bar for each image. @param {Ranked[]} ranked @param {State} state @param {boolean} higher @param {string[]} titles @param {(image: number) => void} choose */
function drawStrip(ranked, state, higher, titles, choose) {
  const strip = byId("strip");
  strip.hidden = !ranked.length;
  if (!ranked.length) return;
  const largest = Math.max(...ranked.map(({ difference }) => Math.abs(difference))) || 1;
  const width = 1000 / ranked.length;
  const label = `Difference of ${titles.join(" and ")} for each image; the lists below have the same order`;
  const svg = svgElement("svg", { viewBox: "0 -50 1000 100", preserveAspectRatio: "none", role: "img", "aria-label": label });
  const paths = ["", ""]; // where the first, the second method is better
  let marked = "";
  ranked.forEach(({ image, difference }, index) => {
    const y = (-48 * difference) / largest;
    const bar = `M${(index * width).toFixed(2)} 0h${(width * 0.9).toFixed(2)}v${y.toFixed(2)}h${(-width * 0.9).toFixed(2)}z`;
    paths[difference > 0 === higher ? 0 : 1] += bar;
    if (image === state.image) marked = `M${((index + 0.5) * width).toFixed(2)} -50v100`;
  });
  const mean = ranked.reduce((sum, { difference }) => sum + difference, 0) / ranked.length;
  const drawn = [["first", paths[0]], ["second", paths[1]], ["zero", "M0 0h1000"], ["mean", `M0 ${((-48 * mean) / largest).toFixed(2)}h1000`], ["marked", marked]];
  svg.append(...drawn.map(([name, d]) => svgElement("path", { class: name, d })));
  svg.addEventListener("click", (event) => {
    const place = svg.getBoundingClientRect();
    const index = Math.floor(((event.clientX - place.left) / place.width) * ranked.length);
    choose(ranked[Math.min(ranked.length - 1, Math.max(0, index))].image);
  });
  strip.replaceChildren(svg);
}

/** Make the button of an image, with its thumbnail and difference. @param {Data} data @param {TestSet} set @param {Ranked} entry @param {Metric | undefined} metric @param {State} state @param {(image: number) => void} choose */
function imageButton(data, set, entry, metric, state, choose) {
  const source = thumbnail(set, entry.image);
  const picture = source ? element("img", { src: source, alt: "", loading: "lazy", width: "72", height: "72" }) : element("span", { class: "absent" }, "no image");
  const values = [state.a, state.b].map((method) => {
    const units = valuesOf(set, state.metric, method)?.[entry.image];
    return metric && units != null ? `${data.methods[method].title} ${print(data, metric, units)}` : "";
  });
  const button = element("button", { type: "button", class: "image", title: values.join(", "), "aria-pressed": String(entry.image === state.image) }, picture, element("span", { class: "name" }, set.images[entry.image]), element("span", {}, metric ? signed(metric, entry.difference) : ""));
  button.addEventListener("click", () => choose(entry.image));
  return element("li", { "data-image": String(entry.image) }, button);
}
