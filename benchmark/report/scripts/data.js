// The data of the page, as benchmark/report/page_data.py describes it.

/** @typedef {{id: string, title: string}} Method */
/** @typedef {{id: string, title: string, higher: boolean, decimals: number}} Metric */
/** @typedef {[number, number, number, number, number, number, number, number]} Pair two methods, difference, interval, p-values, better */
/**
 * @typedef {object} TestSet
 * @property {string} id
 * @property {string} title
 * @property {string[]} images
 * @property {string[]} files
 * @property {number[] | number[][]} sizes
 * @property {Record<string, number[] | null>} shown positions of the images that are here, by folder; null: all
 * @property {number[] | null} thumbnails
 * @property {Record<string, ((number | null)[] | null)[]>} values by metric, method and image
 * @property {Record<string, Pair[]>} pairs
 * @property {Record<string, string | Record<string, string>>} prompts
 */
/** @typedef {{methods: Method[], metrics: Metric[], extraDigits: number, sets: TestSet[]}} Data */

/** Decode the page's data: JSON, compressed, in base64. @returns {Promise<Data>} */
export async function decode() {
  const bytes = Uint8Array.from(atob(byId("data").textContent ?? ""), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

/** Return the element with an id. @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`no element ${id}`);
  return element;
}

/** Return the select with an id. @param {string} id */
export function selectById(id) {
  return /** @type {HTMLSelectElement} */ (byId(id));
}

/**
 * Make an element; texts are never read as HTML.
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} children
 */
export function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Fill a select. @param {HTMLSelectElement} select @param {{id: string, title: string}[]} entries */
export function fill(select, entries) {
  select.replaceChildren(...entries.map(({ id, title }) => element("option", { value: id }, title)));
}

/** The values of a metric for one method by image; null where there is none. @param {TestSet} set @param {string} metric @param {number} method */
export function valuesOf(set, metric, method) {
  return set.values[metric]?.[method] ?? null;
}

/** Print a number of units of the last digit. @param {Data} data @param {Metric} metric @param {number} units */
export function print(data, metric, units) {
  return (units / 10 ** (metric.decimals + data.extraDigits)).toFixed(metric.decimals);
}

/** Print with a sign, a digit more than tables. @param {Metric} metric @param {number} value */
export function signed(metric, value) {
  return (value < 0 ? "−" : "+") + Math.abs(value).toFixed(metric.decimals + 1);
}

/** Address of an image, or null if it is not here. @param {TestSet} set @param {string} folder LR, HR or a method @param {number} image */
export function address(set, folder, image) {
  if (!(folder in set.shown)) return null;
  const here = set.shown[folder];
  if (here && !here.includes(image)) return null;
  return `images/${set.id}/${folder}/${encodeURIComponent(set.files[image] || set.images[image])}.png`;
}

/** Position of the first image that is here in both folders, else 0. @param {TestSet} set @param {string} left @param {string} right */
export function firstShown(set, left, right) {
  return Math.max(0, set.images.findIndex((_, image) => address(set, left, image) && address(set, right, image)));
}

/** Address of a thumbnail, or null. @param {TestSet} set @param {number} image */
export function thumbnail(set, image) {
  if (set.thumbnails && !set.thumbnails.includes(image)) return null;
  return `thumbnails/${set.id}/${encodeURIComponent(set.files[image] || set.images[image])}.webp`;
}

/** Width and height of an SR image. @param {TestSet} set @param {number} image @returns {[number, number]} */
export function sizeOf(set, image) {
  const size = Array.isArray(set.sizes[0]) ? /** @type {number[][]} */ (set.sizes)[image] : /** @type {number[]} */ (set.sizes);
  return [size[0], size[1]];
}
