// Tables: filters, rows and intervals that can be hidden, copies. Charts: series that can be switched off.

/** @typedef {string | {start: string, cells: string[], join: string, end: string, row: number | null}} Line */

/** The text of a copy without the rows, columns and intervals that are not shown. @param {HTMLElement} box @param {string} form */
function shownText(box, form) {
  /** @type {{columns: string[], lines: Line[]}[]} */
  const copies = JSON.parse(box.querySelector(`script[data-form="${form}"]`)?.textContent ?? "[]");
  const { columns, lines } = copies[box.classList.contains("no-intervals") ? copies.length - 1 : 0];
  const rows = /** @type {HTMLElement[]} */ ([...box.querySelectorAll("tbody tr")]).filter((row) => row.getClientRects().length);
  const shown = new Set(rows.map((row) => Number(row.dataset.row)));
  const hidden = new Set(/** @type {HTMLElement[]} */ ([...box.querySelectorAll("th[hidden]")]).map((head) => head.dataset.metric));
  const kept = lines.filter((line) => typeof line === "string" || line.row === null || shown.has(line.row));
  const texts = kept.map((line) => typeof line === "string" ? line : line.start + line.cells.filter((_, index) => !hidden.has(columns[index])).join(line.join) + line.end);
  return texts.join("\n").replace(/(\\midrule\n)+(?=\\midrule|\\bottomrule)/g, "");
}

/** Let the controls of a table work. @param {HTMLElement} box */
function listenToTable(box) {
  const filters = /** @type {HTMLElement[]} */ ([...box.querySelectorAll("[data-filter]")]);
  const filter = () => {
    /** @type {Record<string, string[]>} */
    const chosen = {};
    for (const each of filters) {
      const values = /** @type {HTMLInputElement[]} */ ([...each.querySelectorAll("input:checked")]).map(({ value }) => value);
      chosen[each.dataset.filter ?? ""] = values;
      /** @type {HTMLElement} */ (each.querySelector("summary span")).textContent = values.join(", ") || "all";
    }
    /** @param {string} key @param {string} [value] */
    const hides = (key, value = "") => Boolean(chosen[key]?.length && !chosen[key].includes(value));
    for (const row of /** @type {NodeListOf<HTMLElement>} */ (box.querySelectorAll("tbody tr"))) row.hidden = hides("method", row.dataset.method) || hides("testSet", row.dataset.testSet);
    for (const cell of /** @type {NodeListOf<HTMLElement>} */ (box.querySelectorAll("[data-metric]"))) cell.hidden = hides("metric", cell.dataset.metric);
  };
  for (const each of filters) each.addEventListener("change", filter);
  const hiding = /** @type {HTMLInputElement[]} */ ([...box.querySelectorAll("input[data-hides]")]);
  const hide = () => hiding.forEach(({ dataset, checked }) => box.classList.toggle(dataset.hides ?? "", !checked));
  for (const input of hiding) input.addEventListener("change", hide);
  hide();
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (box.querySelectorAll("button[data-copies]"))) {
    button.addEventListener("click", async () => {
      const label = button.textContent;
      button.textContent = (await copy(shownText(box, button.dataset.copies ?? ""))) ? "Copied" : "Cannot copy here";
      setTimeout(() => (button.textContent = label), 1500);
    });
  }
}

/** Copy a text, also where a page may not use the clipboard itself. @param {string} text @returns {Promise<boolean>} */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** Let the controls of every table and chart work. */
export function listenToTables() {
  for (const box of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".table-box"))) listenToTable(box);
  for (const box of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".charts"))) {
    box.addEventListener("change", ({ target }) => {
      if (!(target instanceof HTMLInputElement)) return;
      for (const series of box.querySelectorAll(`[data-series="${CSS.escape(target.value)}"]`)) series.toggleAttribute("hidden", !target.checked);
    });
  }
}
