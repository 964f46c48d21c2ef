// What is known of one example: its picture, sound or text, labels, course over epochs or shares, and every score. Text stays text.

const SVG = "http://www.w3.org/2000/svg";

function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function shape(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function course(point) {
  const { rows, rowName } = run();
  const { mean, each } = run().trajectory(point);
  const [width, height, left, right, top, bottom] = [280, 124, 32, 8, 9, 24];
  const first = rows[0];
  const last = rows[rows.length - 1];
  const middle = (left + width - right) / 2;
  const along = rowName === "share" ? Math.log : (row) => row;
  const part = (row) => (along(row) - along(first)) / (along(last) - along(first));
  const x = (row) => (first === last ? middle : left + part(row) * (width - left - right));
  const y = (p) => height - bottom - p * (height - top - bottom);
  const drawn = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", class: "map-course" });
  const ends = [...new Set([mean[0], mean[mean.length - 1]])].map((p) => shortNumber(p, 2)).join(" to ");
  drawn.setAttribute("aria-label", `Probability of its label over the ${rowName}s, mean over trials: ${ends}`);
  for (const p of [0, 0.5, 1]) {
    drawn.append(shape("line", { x1: left, x2: width - right, y1: y(p), y2: y(p), class: "grid" }));
    drawn.append(shape("text", { x: left - 6, y: y(p) + 5, "text-anchor": "end" }, String(p)));
  }
  for (const row of new Set([first, last])) {
    const anchor = first === last ? "middle" : row === first ? "start" : "end";
    const name = row === last ? `${rowName} ${row}` : String(row);
    drawn.append(shape("text", { x: x(row), y: height - 6, "text-anchor": anchor }, name));
  }
  const line = (values, kind) => {
    if (values.length === 1) return shape("circle", { cx: middle, cy: y(values[0]), r: kind === "mean" ? 4 : 2.5, class: `${kind} dot` });
    const places = values.map((p, i) => `${x(rows[i]).toFixed(1)},${y(p).toFixed(1)}`);
    return shape("polyline", { points: places.join(" "), class: kind });
  };
  for (const values of each) drawn.append(line(values, "trial"));
  drawn.append(line(mean, "mean"));
  const judges = rowName === "share" ? "heads that did not see it" : `${run().numTrials} trials`;
  const ofTrials = `mean of ${judges}${each.length > 0 ? ", and each" : ""}`;
  const said = run().numTrials > 1 ? ofTrials : "its only trial";
  return make("figure", {}, drawn, make("figcaption", { textContent: `Probability of its label over the ${rowName}s: ${said}` }));
}

function facts(point) {
  const pairs = [["given label", className(labels[point])]];
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
  card.replaceChildren(known, course(point), foot, scores);
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
