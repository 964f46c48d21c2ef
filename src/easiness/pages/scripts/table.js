// The same examples as a table: the twin of the map for those who cannot see or point at it.

const body = element("body");
const USUAL = ["p_wrong", "easiness", "difficulty", "confidence", "variability"];
const columnsShown = () => [...new Set([...USUAL, view.color])].filter((name) => run().scores.has(name));

const TEXTS = { id: (i) => ids[i], label: (i) => className(labels[i]), suggested: (i) => className(run().suggested()[i]) };

// names in the order of a reader, once; then examples are ordered by numbers
const collator = new Intl.Collator("en", { numeric: true });

function placesOf(names) {
  const order = Uint32Array.from({ length: names.length }, (_, i) => i).sort((a, b) => collator.compare(names[a], names[b]));
  const places = new Float64Array(names.length);
  order.forEach((i, place) => (places[i] = place));
  return places;
}

const idPlaces = once(() => placesOf(ids));
const classPlaces = once(() => placesOf(classes));

function keysOf(name) {
  if (name === "id") return idPlaces();
  const ofClass = (label) => (label < 0 ? NaN : classPlaces()[label]);
  if (name === "label") return Float64Array.from(labels, ofClass);
  if (name === "suggested") return Float64Array.from(run().suggested(), ofClass);
  return run().values(name) ?? new Float64Array(num).fill(NaN);
}

function sortedRows() {
  const rows = [];
  for (let i = 0; i < num; i++) if (view.visible[i] && (!view.only || view.selected.has(i))) rows.push(i);
  const keys = keysOf(view.sort);
  const sign = view.descending ? -1 : 1;
  const defined = rows.filter((i) => !Number.isNaN(keys[i]));
  defined.sort((a, b) => sign * (keys[a] - keys[b]) || a - b);
  return [...defined, ...rows.filter((i) => Number.isNaN(keys[i]))]; // undefined ones come last either way
}

function drawHead() {
  const cells = [make("th", { scope: "col" }, make("span", { className: "unseen", textContent: "selected" }))];
  for (const name of ["id", "label", "suggested", ...columnsShown()]) {
    const button = make("button", { type: "button", textContent: words(name) });
    button.dataset.sort = name;
    const cell = make("th", { scope: "col", className: name in TEXTS ? "map-text" : "" }, button);
    if (view.sort === name) cell.setAttribute("aria-sort", view.descending ? "descending" : "ascending");
    cells.push(cell);
  }
  if (hasTexts) cells.splice(2, 0, make("th", { scope: "col", className: "map-text", textContent: section.dataset.noun }));
  const focused = document.activeElement?.dataset?.sort;
  element("head").replaceChildren(...cells);
  if (focused !== undefined) element("head").querySelector(`[data-sort="${CSS.escape(focused)}"]`)?.focus();
}

element("head").addEventListener("click", (event) => {
  const name = event.target.closest("button")?.dataset.sort;
  if (name === undefined) return;
  change({ sort: name, descending: name === view.sort ? !view.descending : false, page: 0 });
});

function drawRows() {
  const from = view.page * PER_PAGE;
  const shown = view.rows.slice(from, from + PER_PAGE);
  const names = columnsShown();
  const focused = body.contains(document.activeElement) ? document.activeElement.dataset : null;
  const [point, kind] = [focused?.point, focused?.kind];
  const made = shown.map((i, place) => {
    const box = make("input", { type: "checkbox", checked: view.selected.has(i) });
    box.setAttribute("aria-label", `Select ${ids[i]}`);
    const name = make("button", { type: "button", title: ids[i] }, ...named(shortId(i)));
    for (const [one, of] of [[box, "box"], [name, "name"]]) {
      Object.assign(one.dataset, { point: i, kind: of });
      one.tabIndex = place === 0 ? 0 : -1;
    }
    const row = make("tr", {}, make("td", {}, box), make("th", { scope: "row" }, name));
    row.classList.toggle("pinned", i === view.pinned);
    if (hasTexts) row.append(make("td", { className: "map-text map-words" }, make("p", { dir: "auto", textContent: textOf(i) })));
    for (const text of [TEXTS.label(i), TEXTS.suggested(i)]) row.append(make("td", { className: "map-text" }, ...named(text)));
    for (const one of names) row.append(make("td", { textContent: scoreText(one, i) }));
    return row;
  });
  if (made.length === 0) {
    const words = { colSpan: 4 + hasTexts + names.length, className: "map-text", textContent: `No ${section.dataset.unit} passes the filters.` };
    made.push(make("tr", {}, make("td", words)));
  }
  body.replaceChildren(...made);
  if (point !== undefined) rowControl(point, kind)?.focus();
  const last = Math.min(from + PER_PAGE, view.rows.length);
  const places = `${counted(from + 1)} to ${counted(last)} of ${counted(view.rows.length)}`;
  element("page").textContent = view.rows.length === 0 ? "none" : places;
  element("before").disabled = view.page === 0;
  element("after").disabled = last >= view.rows.length;
}

const rowControl = (point, kind) => body.querySelector(`[data-point="${point}"][data-kind="${kind}"]`);

function markRows() {
  for (const control of body.querySelectorAll("[data-point]")) {
    const point = Number(control.dataset.point);
    if (control.dataset.kind === "box") control.checked = view.selected.has(point);
    else control.closest("tr").classList.toggle("pinned", point === view.pinned);
  }
}

body.addEventListener("focusin", (event) => {
  const { point } = event.target.dataset;
  if (point === undefined) return;
  for (const one of body.querySelectorAll("[data-point]")) one.tabIndex = one.dataset.point === point ? 0 : -1;
  change(view.pinned < 0 ? { hovered: Number(point) } : { pinned: Number(point) });
});

body.addEventListener("focusout", (event) => {
  if (!body.contains(event.relatedTarget)) change({ hovered: -1 });
});

body.addEventListener("click", (event) => {
  const { point, kind } = event.target.closest("[data-point]")?.dataset ?? {};
  if (kind === "box") toggleSelected(Number(point));
  if (kind === "name") change({ pinned: Number(point), hovered: -1 });
});

body.addEventListener("keydown", (event) => {
  const { kind } = event.target.dataset;
  const row = event.target.closest("tr");
  const next = { ArrowDown: row?.nextElementSibling, ArrowUp: row?.previousElementSibling }[event.key];
  if (kind === undefined || !(event.key === "ArrowDown" || event.key === "ArrowUp")) return;
  event.preventDefault();
  next?.querySelector(`[data-kind="${kind}"]`)?.focus();
});

element("before").addEventListener("click", () => change({ page: Math.max(0, view.page - 1) }));
element("after").addEventListener("click", () => change({ page: view.page + 1 }));
