// The controls, and what is drawn anew when something changes.

function option(value, text) {
  return make("option", { value: String(value), textContent: text });
}

function fillClasses(name, found) {
  const seen = new Set(found);
  const some = classes.map((text, label) => [label, text]).filter(([label]) => seen.has(label));
  element(name).replaceChildren(option(-1, "all"), ...some.map(([label, text]) => option(label, text)));
}

function fillControls() {
  element("color").replaceChildren(...run().names.map((name) => option(name, words(name))));
  fillClasses("label", labels);
  fillClasses("suggested", run().suggested());
  fillClasses("predicted", run().predicted());
  for (const name of ["suggested", "predicted"]) element(name).closest("label").hidden = element(name).options.length === 1;
}

const meanings = { easy: "easy", hard: "hard", ambiguous: "ambiguous", unsure: "unsure networks" };

function showControls() {
  for (const name of ["color", "label", "suggested", "predicted", "search"]) {
    if (element(name).value !== String(view[name])) element(name).value = String(view[name]);
  }
  if (element("run")) element("run").value = String(view.run);
  for (const name of ["least", "most"]) {
    const shown = view[name] === null ? "" : String(view[name]);
    if (document.activeElement !== element(name)) element(name).value = shown;
  }
  element("only").checked = view.only;
  for (const one of element("names").querySelectorAll("button")) {
    one.setAttribute("aria-pressed", String(view.least === view.most && String(view.least) === one.value));
  }
  element("range-name").textContent = `Range of ${words(view.color)}`;
  const number = FILTERS.slice(2).filter((name) => view[name] !== DEFAULTS[name]).length;
  element("filtered").textContent = number > 0 ? `(${number} in use)` : "";
}

// each name that has a color, as a button that shows these alone
function legendOf(values, names) {
  const [places, others] = namesWithColors(values, names);
  const buttons = places.map((at, turn) => make("button", { type: "button", value: at, textContent: names[at], style: `--own: var(--map-own-${turn})` }));
  const rest = make("span", { textContent: `other (${counted(others)})`, style: "--own: var(--soft)" });
  return [...buttons, ...(others > 0 ? [rest] : [])].map((one) => make("li", {}, one));
}

function showLegend() {
  const score = run().scores.get(view.color);
  const values = run().values(view.color);
  const range = colorRange(values);
  const said = (value) => shortNumber(value, 2);
  for (const name of ["low", "ramp", "high"]) element(name).hidden = score.names !== undefined;
  element("least").parentElement.hidden = score.names !== undefined;
  element("names").replaceChildren(...(score.names === undefined ? [] : legendOf(values, score.names)));
  element("low").textContent = (range.low > range.least ? "≤ " : "") + said(range.low);
  element("high").textContent = (range.high < range.most ? "≥ " : "") + said(range.high);
  element("ramp").classList.toggle("turned", !goodIsHigh(score));
  element("undefined").hidden = range.num === num;
  const high = score.high === "" ? "" : `High means ${meanings[score.high] ?? score.high}; `;
  element("meaning").textContent = `${high}${score.formula.split(";")[0]}.`;
  element("least").placeholder = said(range.least);
  element("most").placeholder = said(range.most);
}

function showSelection() {
  let visible = 0;
  for (const one of view.visible) visible += one;
  const number = view.selected.size;
  element("shown").textContent = `${visible === num ? "" : `${counted(visible)} of `}${counted(num)} ${section.dataset.unit}s`;
  element("selected").textContent = `${counted(number)} selected`;
  for (const name of ["copy", "save", "clear"]) element(name).disabled = number === 0;
  element("only").disabled = number === 0;
}

function showFlat() {
  plot.flat = isFlat();
  const notice = element("flat");
  notice.hidden = !plot.flat;
  const { rows, rowName } = run();
  const why = rows.length < 2
    ? `One ${rowName} was observed, so no example has a variability`
    : "No example has a variability above 0";
  notice.textContent = `${why}, and there is no map to draw. The table below has every example.`;
  element("plot").hidden = plot.flat;
  element("help").hidden = plot.flat;
  element("tools").hidden = plot.flat;
  element("legend").hidden = plot.flat;
  element("stage").classList.toggle("flat", plot.flat);
}

onChange((any) => {
  if (any("run", "started")) {
    fillControls();
    if (!run().scores.has(view.color)) view.color = run().names[0];
    showFlat();
  }
  if (any("run", "color", "started")) showLegend();
  const resized = !plot.flat && any("run", "size", "started") && resize();
  const moved = resized || (!plot.flat && any("run", "zoom", "x", "y", "started"));
  if (moved) place();
  if (moved || any(...FILTERS)) squares = null;
  if (!plot.flat && (moved || any(...FILTERS, "selected", "theme"))) drawPoints();
  if (!plot.flat && any("pinned") && view.pinned >= 0 && !any("read")) bringIntoView(view.pinned);
  if (!plot.flat && (moved || any("pinned", "hovered", "path", "theme"))) drawMarks();
  if (any(...FILTERS, "sort", "descending", "only", "started") || (view.only && any("selected"))) {
    view.rows = sortedRows();
    view.page = Math.min(view.page, Math.max(0, Math.ceil(view.rows.length / PER_PAGE) - 1));
    drawHead();
    drawRows();
  } else if (any("page")) drawRows();
  else if (any("selected", "pinned")) markRows();
  if (any(...FILTERS, "selected", "only", "started")) showSelection();
  showControls();
  showZoom();
  drawCard();
  if (any(...FILTERS, "selected", "sort", "descending", "only", "page", "pinned", "zoom", "x", "y") && !any("read", "started")) writeSoon();
});

// what the controls do

for (const name of ["run", "label", "suggested", "predicted"]) {
  element(name)?.addEventListener("change", (event) => change({ [name]: Number(event.target.value) }));
}
element("color").addEventListener("change", (event) => change({ color: event.target.value, least: null, most: null }));
element("names").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  const only = button?.getAttribute("aria-pressed") === "false" ? Number(button.value) : null;
  if (button) change({ least: only, most: only });
});
for (const name of ["least", "most"]) element(name).addEventListener("input", (event) => change({ [name]: decimal(event.target.value) }));
element("search").addEventListener("input", (event) => change({ search: event.target.value }));
element("search").addEventListener("keydown", (event) => {
  const found = event.key === "Enter" ? ids.indexOf(event.target.value.trim()) : -1;
  if (found >= 0) change({ pinned: found });
  else if (event.key === "Enter" && view.rows.length > 0) change({ pinned: view.rows[0] });
});
element("reset").addEventListener("click", () => {
  change(Object.fromEntries(FILTERS.slice(2).map((name) => [name, DEFAULTS[name]])));
  for (const name of ["least", "most"]) element(name).value = "";
});
element("only").addEventListener("change", (event) => change({ only: event.target.checked, page: 0 }));
element("clear").addEventListener("click", () => change({ selected: new Set(), only: false }));

const selectedIds = () => Array.from(view.selected).sort((a, b) => a - b).map((i) => ids[i]);

function say(text) {
  element("said").textContent = text;
}

// pages opened from a file have no clipboard in some browsers
function copyByHand(text) {
  const area = make("textarea", { value: text, className: "unseen" });
  section.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  element("copy").focus();
  return done;
}

element("copy").addEventListener("click", async () => {
  const text = selectedIds().join("\n");
  let done = false;
  try {
    await navigator.clipboard.writeText(text);
    done = true;
  } catch {
    done = copyByHand(text);
  }
  say(done ? `Copied ${counted(view.selected.size)}.` : "This browser does not let pages copy; save them instead.");
});

const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

element("save").addEventListener("click", () => {
  const cells = (id) => (data.tags === undefined ? [id] : [id.slice(0, endOf(id)), id.slice(endOf(id) + 1)]);
  const rows = [data.tags === undefined ? ["id"] : ["id", "tag"], ...selectedIds().map(cells)];
  const text = rows.map((row) => row.map(quoted).join(",") + "\n").join("");
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: "selected.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  say(`Saved ${counted(view.selected.size)}.`);
});

// the start

for (const shown of document.querySelectorAll("[data-map-shown]")) shown.hidden = false;
element("filters").open = matchMedia("(min-width: 48rem)").matches;
if (element("run")) element("run").replaceChildren(...runs.map((one, i) => option(i, one.name)));

const redraw = (why) => {
  changes.add(why);
  requestFrame();
};
const recolor = () => {
  forgetTheme();
  redraw("theme");
};

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolor);
new MutationObserver(recolor).observe(document.documentElement, { attributes: true });
new ResizeObserver(() => redraw("size")).observe(element("plot"));

function follow() {
  if (!readFragment()) return false;
  redraw("read");
  return true;
}

addEventListener("hashchange", follow);
redraw("started");
if (follow()) section.scrollIntoView();
