// Sections, and the comparison that the address names.

import { byId, decode, fill, firstShown, selectById } from "./data.js";
import { fromHash, initial, toHash } from "./state.js";
import { showComparison } from "./comparison.js";
import { fillSides, listen, moveBox, showImage } from "./viewer.js";
import { copy, listenToTables } from "./tables.js";

/** Show one section of the page, and mark its link. @param {string} id */
function showSection(id) {
  for (const section of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("main > section"))) {
    section.classList.toggle("chosen", section.id === id);
  }
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#${id}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/** Start the page. */
async function start() {
  document.documentElement.classList.add("scripted");
  listenToTables();
  const data = await decode();
  const usable = data.metrics.length > 0 && data.sets.some(({ images }) => images.length);
  let state = initial(data);

  const redraw = () => {
    const shown = { set: data.sets[state.set].id, a: data.methods[state.a].id, b: data.methods[state.b].id, metric: state.metric };
    for (const [id, value] of Object.entries(shown)) selectById(id).value = value;
    fillSides(data, state);
    showComparison(data, state, choose);
    showImage(data, state);
  };
  const remember = () => history.replaceState(null, "", toHash(data, state));
  /** @param {Partial<import("./state.js").State>} change */
  const update = (change) => {
    state = { ...state, ...change };
    remember();
    redraw();
  };
  /** @param {number} image */
  const choose = (image) => {
    update({ image, box: [] });
    byId("viewer").scrollIntoView({ block: "nearest" });
  };
  const route = () => {
    const hash = location.hash;
    const restores = hash.includes("/") && usable;
    if (restores) {
      state = fromHash(data, hash, state);
      redraw();
    }
    showSection(restores ? "comparison" : document.querySelector(`main > section[id="${CSS.escape(hash.slice(1))}"]`)?.id ?? "overview");
  };

  byId("comparison").classList.toggle("unusable", !usable);
  if (usable) {
    fill(selectById("set"), data.sets);
    for (const id of ["a", "b"]) fill(selectById(id), data.methods);
    fill(selectById("metric"), data.metrics);
    /** @param {string} id @param {(value: string, index: number) => Partial<import("./state.js").State>} change */
    const onChange = (id, change) => selectById(id).addEventListener("change", () => update(change(selectById(id).value, selectById(id).selectedIndex)));
    onChange("set", (_, set) => ({ set, image: firstShown(data.sets[set], state.left, state.right), box: [] }));
    onChange("a", (left, a) => ({ a, left }));
    onChange("b", (right, b) => ({ b, right }));
    onChange("metric", (metric) => ({ metric }));
    onChange("left", (left) => ({ left }));
    onChange("right", (right) => ({ right }));
    byId("link").onclick = async () => {
      remember();
      byId("link").textContent = (await copy(location.href)) ? "Copied" : "Copy the address of this page";
    };
    listen(data, () => state, (box) => {
      state = { ...state, box };
      remember();
      moveBox(data, state);
    });
    redraw();
  }
  window.addEventListener("hashchange", route);
  window.addEventListener("beforeprint", () => document.querySelectorAll(".samples img, #grid img").forEach((image) => image.setAttribute("loading", "eager")));
  route();
  document.documentElement.dataset.ready = "true";
}

start();
