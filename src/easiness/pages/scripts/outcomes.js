// The items as a table, and as a matrix by models. Text stays text.

const data = JSON.parse(element("values").textContent);
const num = data.ids.length;
const PER_PAGE = 50;
const NUMBERS = ["rate", "trials", "p_hard", "p_easy", "spread"];
const series = data.series.map((one) => {
  const values = Object.entries(one).filter(([name]) => name !== "name");
  return { name: one.name, ...Object.fromEntries(values.map(([name, column]) => [name, numbersOf(column)])) };
});
const models = series.slice(1);
const filters = data.columns.filter((column) => column.few);
const collator = new Intl.Collator("en", { numeric: true });
const view = { run: 0, search: "", page: 0, open: -1, sort: "p_hard", descending: true, values: new Map(), rows: [] };
const shownNumbers = () => NUMBERS.filter((name) => series[view.run][name] !== undefined);

const searched = once(() => data.ids.map((id, i) => {
  const others = data.columns.map((column) => column.values[i]);
  const parts = [id, data.text?.[i] ?? "", data.key?.[i] ?? "", ...data.answers[i].map(([text]) => text), ...others];
  return parts.join("\n").toLowerCase();
}));

// the rows that the filters leave, the hardest first as they come
function visibleRows() {
  const asked = view.search.trim().toLowerCase();
  const passes = (i) => filters.every((one) => !view.values.has(one) || one.values[i] === view.values.get(one));
  return data.ids.map((_, i) => i).filter((i) => passes(i) && (asked === "" || searched()[i].includes(asked)));
}

function sortedRows(rows) {
  const numbers = series[view.run][view.sort];
  const sign = view.descending ? -1 : 1;
  const texts = view.sort === "id" ? data.ids : data.columns.find((column) => column.name === view.sort.slice(1))?.values;
  if (numbers === undefined) return [...rows].sort((a, b) => sign * collator.compare(texts[a], texts[b]) || a - b);
  const defined = rows.filter((i) => !Number.isNaN(numbers[i]));
  defined.sort((a, b) => sign * (numbers[a] - numbers[b]) || a - b);
  return [...defined, ...rows.filter((i) => Number.isNaN(numbers[i]))];
}

function numberText(name, i) {
  const { [name]: values, rate_low: low, rate_high: high } = series[view.run];
  if (Number.isNaN(values[i])) return "–";
  if (name === "trials") return counted(values[i]);
  if (name === "spread") return values[i].toFixed(2);
  if (name === "rate") return `${values[i].toFixed(2)}${low && ` (${low[i].toFixed(2)} to ${high[i].toFixed(2)})`}`;
  return values[i] > 0.99 ? ">99 %" : values[i] < 0.01 ? "<1 %" : `${(100 * values[i]).toFixed(0)} %`;
}

function drawHead() {
  const names = [["id", "id"], ...filters.map(({ name }) => [`=${name}`, name]), ...shownNumbers().map((name) => [name, name.replace("_", " ")])];
  const cells = names.map(([name, text]) => {
    const button = make("button", { type: "button", textContent: text });
    button.dataset.sort = name;
    const cell = make("th", { scope: "col", className: name === "id" || name[0] === "=" ? "map-text" : "" }, button);
    if (view.sort === name) cell.setAttribute("aria-sort", view.descending ? "descending" : "ascending");
    return cell;
  });
  if (data.text) cells.splice(1, 0, make("th", { scope: "col", className: "map-text", textContent: "text" }));
  const focused = document.activeElement?.dataset?.sort;
  element("head").replaceChildren(...cells);
  if (focused !== undefined) element("head").querySelector(`[data-sort="${CSS.escape(focused)}"]`)?.focus();
}

// of one trial its score
const rightOf = ({ rate, trials }, i) => trials[i] === 1 ? shortNumber(rate[i], 2) : `${shortNumber(rate[i] * trials[i], 1)} of ${counted(trials[i])}`;

// all that is known of an item
function about(i, columns) {
  const facts = [];
  const say = (name, ...parts) => facts.push(make("dt", { textContent: name }), make("dd", { dir: "auto" }, ...parts));
  if (data.text) say("text", data.text[i]);
  if (data.key?.[i]) say("key", data.key[i]);
  const answers = data.answers[i].map(([text, count, of, right]) => {
    const among = models.length > 0 && of > 1 ? ` by ${of} models` : "";
    return make("li", { className: right ? "right" : "", dir: "auto", textContent: `${counted(count)} × ${text}${among}${right ? " ✓" : ""}` });
  });
  if (answers.length > 0) say("answers", make("ul", {}, ...answers));
  for (const { name, values } of data.columns) if (values[i] !== "") say(name, values[i]);
  const known = models.filter((one) => !Number.isNaN(one.rate[i]));
  if (known.length > 0) say("right", make("ul", {}, ...known.map((one) => make("li", { textContent: `${one.name} ${rightOf(one, i)}` }))));
  return make("tr", { className: "about" }, make("td", { colSpan: columns }, make("div", {}, make("dl", {}, ...facts))));
}

function drawRows() {
  const from = view.page * PER_PAGE;
  const columns = 1 + (data.text ? 1 : 0) + filters.length + shownNumbers().length;
  const focused = document.activeElement?.dataset?.point;
  const made = view.rows.slice(from, from + PER_PAGE).flatMap((i) => {
    const name = make("button", { type: "button", title: "Show all of it", textContent: data.ids[i] });
    name.dataset.point = i;
    name.setAttribute("aria-expanded", String(i === view.open));
    const row = make("tr", { className: i === view.open ? "pinned" : "" }, make("th", { scope: "row" }, name));
    if (data.text) row.append(make("td", { className: "map-text map-words" }, make("p", { dir: "auto", textContent: data.text[i] })));
    for (const { values } of filters) row.append(make("td", { className: "map-text", textContent: values[i] }));
    for (const one of shownNumbers()) row.append(make("td", { textContent: numberText(one, i) }));
    return i === view.open ? [row, about(i, columns)] : [row];
  });
  if (made.length === 0) made.push(make("tr", {}, make("td", { colSpan: columns, className: "map-text", textContent: "No item passes the filters." })));
  element("body").replaceChildren(...made);
  if (focused !== undefined) element("body").querySelector(`[data-point="${focused}"]`)?.focus();
  const last = Math.min(from + PER_PAGE, view.rows.length);
  element("page").textContent = last === 0 ? "none" : `${counted(from + 1)} to ${counted(last)} of ${counted(view.rows.length)}`;
  element("before").disabled = view.page === 0;
  element("after").disabled = last >= view.rows.length;
  element("shown").textContent = view.rows.length === num ? `${counted(num)} items` : `${counted(view.rows.length)} of ${counted(num)} items`;
}

// the matrix: a pixel a cell, which the browser makes larger

const matrix = element("matrix");
let matrixRows = [];
let cell = [-1, 0];

function drawMatrix() {
  if (!matrix || matrixRows.length === 0) return;
  matrix.width = models.length;
  matrix.height = matrixRows.length;
  const { ramp, undefined: none } = theme();
  const paint = matrix.getContext("2d");
  const image = paint.createImageData(matrix.width, matrix.height);
  matrixRows.forEach((i, row) => models.forEach((one, column) => {
    const color = Number.isNaN(one.rate[i]) ? none : ramp[Math.round(one.rate[i] * (STEPS - 1))];
    image.data.set([...color, Number.isNaN(one.rate[i]) ? 60 : 255], 4 * (row * models.length + column));
  }));
  paint.putImageData(image, 0, 0);
  matrix.style.setProperty("--high", `${Math.min(matrixRows.length * 1.2, 40)}rem`);
}

function showCell(row, column) {
  cell = [Math.min(Math.max(row, 0), matrixRows.length - 1), Math.min(Math.max(column, 0), models.length - 1)];
  const [i, one] = [matrixRows[cell[0]], models[cell[1]]];
  const said = Number.isNaN(one.rate[i]) ? "has no such item" : `${rightOf(one, i)} right`;
  matrix.title = element("cell").textContent = `${data.ids[i]}, ${one.name}: ${said}`;
}

function openCell() {
  view.open = matrixRows[cell[0]];
  view.page = Math.floor(Math.max(view.rows.indexOf(view.open), 0) / PER_PAGE);
  drawRows();
  element("body").querySelector(`[data-point="${view.open}"]`)?.focus();
}

function pointAt(event) {
  const box = matrix.getBoundingClientRect();
  const share = [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width];
  showCell(Math.floor(share[0] * matrixRows.length), Math.floor(share[1] * models.length));
}

if (matrix) {
  const box = matrix.parentElement.style;
  box.setProperty("--models", models.length);
  box.setProperty("--least", models.length <= 60 ? "1.1rem" : "0.2rem");
  if (models.length <= 60) element("models").replaceChildren(...models.map(({ name }) => make("span", { textContent: name })));
  matrix.addEventListener("pointermove", (event) => matrixRows.length > 0 && pointAt(event));
  matrix.addEventListener("click", (event) => {
    if (matrixRows.length === 0) return;
    pointAt(event);
    openCell();
  });
  matrix.addEventListener("keydown", (event) => {
    const [down, right] = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[event.key] ?? [0, 0];
    if (matrixRows.length === 0 || (down === 0 && right === 0 && event.key !== "Enter")) return;
    event.preventDefault();
    if (event.key === "Enter") openCell();
    else showCell(cell[0] + down, cell[1] + right);
  });
}

// what the controls do

function change(values) {
  Object.assign(view, { page: 0 }, values);
  matrixRows = visibleRows();
  view.rows = sortedRows(matrixRows);
  drawHead();
  drawRows();
  drawMatrix();
}

function addSelect(text, options, changed) {
  const select = make("select", {}, ...options.map((name, at) => make("option", { value: String(at), textContent: name })));
  select.addEventListener("change", () => changed(Number(select.value)));
  element("fields").append(make("label", { textContent: `${text} ` }, select));
}

for (const one of filters) {
  const values = [...new Set(one.values)].sort(collator.compare);
  addSelect(one.name, ["all", ...values.map((value) => value || "(none)")], (at) => {
    if (at === 0) view.values.delete(one);
    else view.values.set(one, values[at - 1]);
    change({});
  });
}
const judged = series.map((one, at) => at).filter((at) => series[at].p_hard !== undefined);
if (judged.length > 1) addSelect("Rates of", judged.map((at) => series[at].name), (at) => {
  view.run = judged[at];
  change(shownNumbers().includes(view.sort) || view.sort === "id" ? {} : { sort: "p_hard", descending: true });
});
element("search").addEventListener("input", (event) => change({ search: event.target.value }));
element("head").addEventListener("click", (event) => {
  const name = event.target.closest("button")?.dataset.sort;
  if (name !== undefined) change({ sort: name, descending: name === view.sort ? !view.descending : NUMBERS.includes(name) });
});
element("body").addEventListener("click", (event) => {
  const point = event.target.closest("[data-point]")?.dataset.point;
  if (point === undefined) return;
  view.open = view.open === Number(point) ? -1 : Number(point);
  drawRows();
});
for (const [name, step] of [["before", -1], ["after", 1]]) {
  element(name).addEventListener("click", () => {
    view.page += step;
    drawRows();
  });
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  forgetTheme();
  drawMatrix();
});
for (const shown of document.querySelectorAll("[data-map-shown]")) shown.hidden = false;
change({});
