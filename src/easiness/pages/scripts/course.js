// The course of an example over epochs or shares: the probability of its label, mean over trials, and of each trial where the page has it.

// of a run: the lines of the example that stands at a place
function coursesOf({ rows, numTrials, mean, byTrial, detailed }) {
  const means = once(() => bytesOf(mean));
  const trials = once(() => bytesOf(byTrial));
  const places = once(() => {
    if (detailed === null) return null;
    return new Map(Array.from(new Uint32Array(bytesOf(detailed).buffer), (place, row) => [place, row]));
  });
  const line = (bytes, at) =>
    Array.from(bytes.subarray(at * rows.length, (at + 1) * rows.length), (code) => (code === 255 ? NaN : code / 254));
  return (place) => {
    const row = places() === null ? place : places().get(place);
    const each = [];
    if (row !== undefined && trials().length > 0) {
      for (let trial = 0; trial < numTrials; trial++) each.push(line(trials(), row * numTrials + trial));
    }
    return { mean: line(means(), place), each };
  };
}

function drawnCourse({ rows, rowName, numTrials }, { mean, each }) {
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
  const judges = rowName === "share" ? "heads that did not see it" : `${numTrials} trials`;
  const ofTrials = `mean of ${judges}${each.length > 0 ? ", and each" : ""}`;
  const said = numTrials > 1 ? ofTrials : "its only trial";
  return make("figure", {}, drawn, make("figcaption", { textContent: `Probability of its label over the ${rowName}s: ${said}` }));
}
