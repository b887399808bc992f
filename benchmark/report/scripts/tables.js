// Tables: filters, rows and intervals that can be hidden, copies. Charts: series that can be switched off.

/** Let the controls of a table work. @param {HTMLElement} box */
function listenToTable(box) {
  const selects = /** @type {NodeListOf<HTMLSelectElement>} */ (box.querySelectorAll("select[data-filter]"));
  const filter = () => {
    /** @type {Record<string, string>} */
    const chosen = {};
    for (const select of selects) chosen[select.dataset.filter ?? ""] = select.value;
    for (const row of /** @type {NodeListOf<HTMLElement>} */ (box.querySelectorAll("tbody tr"))) {
      const { method = "", testSet = "" } = row.dataset;
      row.hidden = Boolean((chosen.method && chosen.method !== method) || (chosen.testSet && chosen.testSet !== testSet));
    }
    for (const cell of /** @type {NodeListOf<HTMLElement>} */ (box.querySelectorAll("[data-metric]"))) {
      cell.hidden = Boolean(chosen.metric && chosen.metric !== cell.dataset.metric);
    }
  };
  for (const select of selects) select.addEventListener("change", filter);
  for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (box.querySelectorAll("input[data-hides]"))) {
    const update = () => box.classList.toggle(input.dataset.hides ?? "", !input.checked);
    input.addEventListener("change", update);
    update();
  }
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (box.querySelectorAll("button[data-copies]"))) {
    button.addEventListener("click", async () => {
      const text = box.querySelector(`script[data-form="${button.dataset.copies}"]`)?.textContent ?? "";
      const label = button.textContent;
      button.textContent = (await copy(JSON.parse(text))) ? "Copied" : "Cannot copy here";
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
    box.addEventListener("change", (event) => {
      const input = event.target;
      if (!(input instanceof HTMLInputElement)) return;
      for (const series of box.querySelectorAll("[data-series]")) {
        if (/** @type {SVGElement} */ (series).dataset.series === input.value) series.toggleAttribute("hidden", !input.checked);
      }
    });
  }
}
