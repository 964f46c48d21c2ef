// What is known of one example: its picture, sound or text, labels, course over epochs or shares, and every score. Text stays text.

function facts(point) {
  const pairs = [["given label", className(labels[point])]];
  const tags = unfolded(data.tags, point);
  if (tags !== undefined) pairs.push(["tags", tags.join(", ") || "none"]);
  const suggested = run().suggested()[point];
  if (suggested >= 0) pairs.push(["suggested label", className(suggested)]);
  const [predicted, share] = [run().predicted()[point], run().predictedShare()[point]];
  if (predicted >= 0) {
    pairs.push([`predicted by ${Math.round(share * run().numTrials)} of ${run().numTrials}`, className(predicted)]);
  }
  return list("map-facts", pairs);
}

function list(kind, pairs) {
  const made = make("dl", { className: kind });
  for (const [name, value] of pairs) {
    made.append(make("div", {}, make("dt", { textContent: name }), make("dd", {}, ...named(value))));
  }
  return made;
}

function scoreList(point) {
  const names = ["p_wrong", ...run().names.filter((name) => name !== "p_wrong")].filter((name) => run().scores.has(name));
  return list("map-scores", names.map((name) => [words(name), scoreText(name, point)]));
}

function pictureElement(point) {
  const source = pictureOf(point);
  if (source === undefined) return [];
  const image = make("img", { alt: `Example ${ids[point]}` });
  image.addEventListener("load", () => image.classList.toggle("pixelated", Math.max(image.naturalWidth, image.naturalHeight) <= 64));
  image.src = source;
  return [image];
}

function soundElement(point) {
  const source = soundOf(point);
  if (source === undefined) return [];
  const player = make("audio", { controls: true, preload: "none", src: source });
  player.setAttribute("aria-label", `Example ${ids[point]}`);
  return [player];
}

// long ones are folded by the styles, as elsewhere on the page
function textElement(point) {
  const text = textOf(point);
  if (text === undefined) return [];
  const words = make("div", { className: "words" }, make("p", { dir: "auto", textContent: text }));
  if (text.length > 240 || text.split("\n").length > 5) words.append(make("details", {}, make("summary", { textContent: "All of it" })));
  return [words];
}

const GESTURES = [
  ["Point", " at an example to see what it is and how it was learned."],
  ["Click or tap", " to keep it here; Escape lets it go."],
  ["Drag around", " examples to select them, with Ctrl to add more; on a touch screen press Lasso first."],
  ["Arrow keys", " walk from point to point, or down the table."],
  ["Ctrl and the wheel", " or two fingers come closer; the wheel alone then moves the map. Keys: +, - and 0."],
];

const WITHOUT_A_MAP = [["Choose a row", " of the table to see what the example is and how it was learned."]];

function howTo() {
  const items = (plot.flat ? WITHOUT_A_MAP : GESTURES).map(([what, does]) => make("li", {}, make("b", { textContent: what }), does));
  return make("ul", { className: "map-empty" }, ...items);
}

let carded = null;
let scoresOpen = matchMedia("(min-width: 56rem)").matches;

function drawCard() {
  const point = view.hovered >= 0 && view.pinned < 0 ? view.hovered : view.pinned;
  const now = `${view.run} ${point} ${view.pinned} ${view.selected.has(point)}`;
  if (now === carded) return;
  carded = now;
  const card = element("card");
  card.classList.toggle("pinned", point >= 0 && point === view.pinned);
  if (point < 0) {
    card.replaceChildren(howTo());
    return;
  }
  const short = shortId(point);
  const folder = make("span", {}, ...named(ids[point].slice(0, ids[point].length - short.length)));
  const name = make("p", { className: "map-name" }, folder, make("wbr", { className: "map-break" }), ...named(short));
  const head = make("div", { className: "map-card-head" }, ...pictureElement(point), name);
  const foot = make("div", { className: "map-card-foot" });
  if (point === view.pinned) {
    const chosen = view.selected.has(point);
    const pick = make("button", { type: "button", textContent: chosen ? "Take from the selection" : "Add to the selection" });
    pick.addEventListener("click", () => toggleSelected(point));
    const free = make("button", { type: "button", textContent: "Let go" });
    free.addEventListener("click", () => change({ pinned: -1, hovered: -1 }));
    foot.append(pick, free);
  }
  const scores = make("details", { open: scoresOpen }, make("summary", { textContent: "Scores" }), scoreList(point));
  scores.addEventListener("toggle", () => (scoresOpen = scores.open));
  const known = make("div", { className: "map-known" }, head, ...soundElement(point), ...textElement(point), facts(point));
  card.replaceChildren(known, drawnCourse(run(), run().trajectory(point)), foot, scores);
}

function inWords(point) {
  const said = ["confidence", "variability"].map((name) => `${name} ${scoreText(name, point)}`);
  return [ids[point], className(labels[point]), ...said].join(", ");
}

function toggleSelected(point) {
  const selected = new Set(view.selected);
  if (!selected.delete(point)) selected.add(point);
  change({ selected });
}
