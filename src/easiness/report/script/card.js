// What is known of one example: its picture, labels, course over the epochs, and every score. Text stays text.

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
  const { epochs } = run();
  const { mean, each } = run().trajectory(point);
  const [width, height, left, right, top, bottom] = [280, 118, 26, 8, 8, 20];
  const first = epochs[0];
  const last = epochs[epochs.length - 1];
  const x = (epoch) => (first === last ? (left + width - right) / 2 : left + ((epoch - first) / (last - first)) * (width - left - right));
  const y = (p) => height - bottom - p * (height - top - bottom);
  const drawn = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", class: "map-course" });
  const ends = mean.length > 1 ? `from ${shortNumber(mean[0], 2)} to ${shortNumber(mean[mean.length - 1], 2)}` : shortNumber(mean[0], 2);
  drawn.setAttribute("aria-label", `Probability of its label over the epochs, mean over trials: ${ends}`);
  for (const p of [0, 0.5, 1]) {
    drawn.append(shape("line", { x1: left, x2: width - right, y1: y(p), y2: y(p), class: "grid" }));
    drawn.append(shape("text", { x: left - 6, y: y(p) + 3.5, "text-anchor": "end" }, String(p)));
  }
  for (const epoch of new Set([first, last])) {
    const anchor = first === last ? "middle" : epoch === first ? "start" : "end";
    const name = epoch === last ? `epoch ${epoch}` : String(epoch);
    drawn.append(shape("text", { x: x(epoch), y: height - 5, "text-anchor": anchor }, name));
  }
  const line = (values, kind) => {
    if (values.length === 1) return shape("circle", { cx: x(first), cy: y(values[0]), r: kind === "mean" ? 4 : 2.5, class: `${kind} dot` });
    const places = values.map((p, i) => `${x(epochs[i]).toFixed(1)},${y(p).toFixed(1)}`);
    return shape("polyline", { points: places.join(" "), class: kind });
  };
  for (const values of each) drawn.append(line(values, "trial"));
  drawn.append(line(mean, "mean"));
  const said = each.length > 0 ? `mean of ${run().numTrials} trials, and each` : run().numTrials > 1 ? `mean of ${run().numTrials} trials` : "its only trial";
  return make("figure", {}, drawn, make("figcaption", { textContent: `Probability of its label over the epochs: ${said}` }));
}

function facts(point) {
  const pairs = [["given label", className(labels[point])]];
  const suggested = run().suggested()[point];
  if (suggested >= 0) pairs.push(["suggested label", className(suggested)]);
  const [predicted, share] = [run().predicted()[point], run().predictedShare()[point]];
  if (predicted >= 0) {
    pairs.push(["most predicted", `${className(predicted)} (${Math.round(share * run().numTrials)} of ${run().numTrials})`]);
  }
  return list("map-facts", pairs);
}

function list(kind, pairs) {
  const made = make("dl", { className: kind });
  for (const [name, value] of pairs) {
    made.append(make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: value })));
  }
  return made;
}

function scoreList(point) {
  const names = ["p_wrong", ...run().names.filter((name) => name !== "p_wrong")].filter((name) => run().scores.has(name));
  return list("map-scores", names.map((name) => [words(name), shortNumber(run().values(name)[point])]));
}

function pictureElement(point) {
  const source = pictureOf(point);
  if (source === undefined) return [];
  const image = make("img", { alt: `Example ${ids[point]}` });
  image.addEventListener("load", () => image.classList.toggle("pixelated", Math.max(image.naturalWidth, image.naturalHeight) <= 64));
  image.src = source;
  return [image];
}

let carded = null;

function drawCard() {
  const point = view.hovered >= 0 && view.pinned < 0 ? view.hovered : view.pinned;
  const now = `${view.run} ${point} ${view.pinned} ${view.selected.has(point)}`;
  if (now === carded) return;
  carded = now;
  const card = element("card");
  card.classList.toggle("pinned", point >= 0 && point === view.pinned);
  if (point < 0) {
    card.replaceChildren(make("p", { className: "map-empty", textContent: "Point at an example to see what it is and how it was learned." }));
    return;
  }
  const head = make("div", { className: "map-card-head" }, ...pictureElement(point), make("div", {}, make("p", { className: "map-name", textContent: ids[point] }), facts(point)));
  const foot = make("div", { className: "map-card-foot" });
  if (point === view.pinned) {
    const chosen = view.selected.has(point);
    const pick = make("button", { type: "button", textContent: chosen ? "Take from the selection" : "Add to the selection" });
    pick.addEventListener("click", () => toggleSelected(point));
    const free = make("button", { type: "button", textContent: "Let go" });
    free.addEventListener("click", () => change({ pinned: -1, hovered: -1 }));
    foot.append(pick, free);
  }
  card.replaceChildren(head, course(point), make("details", { open: true }, make("summary", { textContent: "Scores" }), scoreList(point)), foot);
}

function toggleSelected(point) {
  const selected = new Set(view.selected);
  if (!selected.delete(point)) selected.add(point);
  change({ selected });
}
