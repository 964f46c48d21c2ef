// A list of all, a page at a time: what was decided, and a way to each.

const PER_PAGE = 100;
let page = 0;

const shows = {
  "": () => true,
  decided: (decision) => decision !== undefined,
  undecided: (decision) => decision === undefined,
};

function chosenPlaces() {
  const part = partOf(current);
  const only = element("only").value;
  const passes = shows[only] ?? ((decision) => decision?.action === only);
  const places = [];
  for (let place = part.from; place < part.to; place++) if (passes(decisionOn(place))) places.push(place);
  return places;
}

function rowOf(place) {
  const decision = decisionOn(place);
  const number = make("span", { className: "decide-row-number", textContent: counted(place - partOf(place).from + 1) });
  const name = make("span", { className: "decide-row-name" }, ...nameOf(place), make("small", { dir: "auto", textContent: briefOf(place) }));
  const so = make("span", { className: `decide-row-so ${decision?.action ?? ""}`, textContent: decision === undefined ? "undecided" : inWords(decision, place) });
  if (decision?.by) so.append(make("small", { textContent: ` by ${decision.by}` }));
  const button = make("button", { type: "button" }, number, make("span", { className: "decide-row-picture" }, ...pictureOf(place, true)), name, bold(labels[place]), so);
  button.dataset.place = place;
  if (place === current) button.setAttribute("aria-current", "true");
  return make("li", {}, button);
}

function drawList() {
  const places = chosenPlaces();
  const last = Math.max(0, Math.ceil(places.length / PER_PAGE) - 1);
  page = Math.min(page, last);
  const shown = places.slice(page * PER_PAGE, (page + 1) * PER_PAGE);
  const held = element("rows").contains(document.activeElement);
  element("rows").replaceChildren(...shown.map(rowOf));
  if (held) focusOn("list-title");
  const from = page * PER_PAGE;
  element("listed").textContent = places.length === 0 ? "none" : `${counted(from + 1)} to ${counted(from + shown.length)} of ${counted(places.length)}`;
  element("list-before").disabled = page === 0;
  element("list-after").disabled = page === last;
}

function openList() {
  const at = chosenPlaces().indexOf(current);
  page = at < 0 ? 0 : Math.floor(at / PER_PAGE);
  drawList();
  panel("list");
  const row = element("rows").querySelector("[aria-current]");
  row?.scrollIntoView({ block: "center" });
  row?.focus({ preventScroll: true });
}

element("rows").addEventListener("keydown", (event) => {
  const side = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
  if (side === undefined) return;
  event.preventDefault();
  event.target.closest("li")[side]?.firstElementChild.focus();
});

element("only").addEventListener("change", () => {
  page = 0;
  drawList();
});
for (const [name, by] of [["list-before", -1], ["list-after", 1]]) {
  element(name).addEventListener("click", () => {
    page += by;
    drawList();
    focusOn("list-title");
  });
}
element("rows").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button === null) return;
  show(Number(button.dataset.place));
  panel("one");
});

let listAsked = false;

// many may come at once, from another tab or a file
whenDecided(() => {
  if (element("list").hidden || listAsked) return;
  listAsked = true;
  requestAnimationFrame(() => {
    listAsked = false;
    if (!element("list").hidden) drawList();
  });
});
