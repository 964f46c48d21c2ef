// The map on two canvases: points, drawn when the view changes, and marks above them.

const MARGIN = { left: 46, right: 14, top: 12, bottom: 40 };
const CELL = 16; // pixels of a square in which the points near the pointer are looked for
const points = element("points").getContext("2d");
const marks = element("marks").getContext("2d");
const plot = { width: 0, height: 0, scale: 1, flat: false, most: 0.5, num, x: new Float32Array(num), y: new Float32Array(num) };

// in an order that has nothing to do with the data, so that no class lies above all others
const drawingOrder = once(() => {
  const order = Uint32Array.from({ length: num }, (_, i) => i);
  let state = 1;
  for (let i = num - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 2 ** 32) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
});

function isFlat() {
  const values = run().values("variability");
  return values === null || run().values("confidence") === null || !values.some((value) => value > 0);
}

function resize() {
  const width = element("plot").clientWidth;
  const height = Math.round(Math.min(560, Math.max(320, width * 0.75)));
  const scale = Math.min(3, window.devicePixelRatio || 1);
  if (width === 0) return false; // it is hidden, as in print
  if (width === plot.width && height === plot.height && scale === plot.scale) return false;
  Object.assign(plot, { width, height, scale });
  for (const context of [points, marks]) {
    context.canvas.width = Math.round(width * scale);
    context.canvas.height = Math.round(height * scale);
    context.canvas.style.height = `${height}px`;
  }
  return true;
}

const plotWidth = () => plot.width - MARGIN.left - MARGIN.right;
const plotHeight = () => plot.height - MARGIN.top - MARGIN.bottom;
const acrossOf = (value) => MARGIN.left + (value / plot.most - view.x) * view.zoom * plotWidth();
const upOf = (value) => plot.height - MARGIN.bottom - (value - view.y) * view.zoom * plotHeight();

function place() {
  const across = run().values("variability");
  const up = run().values("confidence");
  let most = 0;
  for (const value of across) if (value > most) most = value;
  plot.most = Math.max(0.05, Math.ceil(most * 20) / 20);
  const [right, bottom] = [plot.width - MARGIN.right + 0.5, plot.height - MARGIN.bottom + 0.5];
  plot.num = 0;
  for (let i = 0; i < num; i++) {
    const [x, y] = [acrossOf(across[i]), upOf(up[i])];
    const seen = x > MARGIN.left - 0.5 && x < right && y > MARGIN.top - 0.5 && y < bottom;
    plot.x[i] = seen ? x : NaN;
    plot.y[i] = seen ? y : NaN;
    plot.num += seen;
  }
}

// how much of each pixel a disk covers, in the middle of a pixel
function disk(radius) {
  const found = [];
  const reach = Math.ceil(radius);
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      const covered = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(dx, dy)));
      if (covered > 0) found.push([dx, dy, covered]);
    }
  }
  return found;
}

function stamp(image, mask, alpha, colorAt, chosen) {
  const { data: pixels, width } = image;
  const offsets = Int32Array.from(mask, ([dx, dy]) => 4 * (dy * width + dx));
  const covers = Float32Array.from(mask, (one) => one[2] * alpha);
  const { scale, x, y } = plot;
  for (const i of drawingOrder()) {
    if (!chosen(i) || !(x[i] >= 0)) continue; // those out of view, and of undefined places
    const [r, g, b] = colorAt(i);
    const at = 4 * (Math.round(y[i] * scale) * width + Math.round(x[i] * scale));
    for (let k = 0; k < offsets.length; k++) {
      const p = at + offsets[k];
      const cover = covers[k];
      pixels[p] += (r - pixels[p]) * cover;
      pixels[p + 1] += (g - pixels[p + 1]) * cover;
      pixels[p + 2] += (b - pixels[p + 2]) * cover;
    }
  }
}

const radiusOf = (number) => (number > 20000 ? 1.4 : number > 5000 ? 1.9 : number > 800 ? 2.6 : 3.6);

function drawPoints() {
  const { undefined: none, paper, css } = theme();
  const image = points.createImageData(points.canvas.width, points.canvas.height);
  const bytes = new Uint8Array([...paper, 255]);
  new Uint32Array(image.data.buffer).fill(new Uint32Array(bytes.buffer)[0]);
  const score = run().scores.get(view.color) ?? { high: "easy" };
  const values = run().values(view.color) ?? new Float64Array(num).fill(NaN);
  const colorAt = colorsOf(values, score);
  const { visible, selected } = view;
  const seen = plot.num;
  const radius = radiusOf(seen) * plot.scale;
  const alpha = seen > 20000 ? 0.5 : seen > 5000 ? 0.65 : 0.85;
  const some = selected.size > 0;
  const faint = disk(Math.max(0.8, radius * 0.7));
  stamp(image, faint, seen > 5000 ? 0.18 : 0.3, () => none, (i) => visible[i] === 0);
  stamp(image, disk(radius), some ? alpha * 0.25 : alpha, colorAt, (i) => visible[i] === 1 && !selected.has(i));
  if (some) stamp(image, disk(radius * 1.15), 1, colorAt, (i) => selected.has(i));
  points.putImageData(image, 0, 0);
  drawAxes(css);
}

// round values from one on, over a width, and their texts
function ticks(from, width) {
  const power = 10 ** Math.floor(Math.log10(width / 5));
  const step = power * [1, 2, 5, 10].find((times) => times * power >= width / 5 - 1e-9);
  const digits = Math.max(1, Math.ceil(-Math.log10(step) - 1e-9));
  const found = [];
  for (let k = Math.ceil(from / step - 1e-6); k * step <= from + width + 1e-6 * step; k++) found.push([k * step, (k * step).toFixed(digits)]);
  return found;
}

function drawAxes(css) {
  const { width, height } = plot;
  points.setTransform(plot.scale, 0, 0, plot.scale, 0, 0);
  points.lineWidth = 1;
  points.font = `12px ${getComputedStyle(section.querySelector("select")).fontFamily}`;
  points.strokeStyle = css.line;
  points.fillStyle = css.soft;
  const line = (...ends) => {
    points.beginPath();
    points.moveTo(ends[0], ends[1]);
    points.lineTo(ends[2], ends[3]);
    points.stroke();
  };
  points.textAlign = "right";
  points.textBaseline = "middle";
  for (const [value, text] of ticks(view.y, 1 / view.zoom)) {
    const y = Math.round(upOf(value)) + 0.5;
    line(MARGIN.left - 9, y, MARGIN.left - 5, y);
    points.fillText(text, MARGIN.left - 13, y);
  }
  points.textAlign = "center";
  points.textBaseline = "top";
  for (const [value, text] of ticks(view.x * plot.most, plot.most / view.zoom)) {
    const x = Math.round(acrossOf(value)) + 0.5;
    line(x, height - MARGIN.bottom + 5, x, height - MARGIN.bottom + 9);
    points.fillText(text, x, height - MARGIN.bottom + 11);
  }
  line(MARGIN.left - 4.5, MARGIN.top, MARGIN.left - 4.5, height - MARGIN.bottom + 4.5);
  line(MARGIN.left - 4.5, height - MARGIN.bottom + 4.5, width - MARGIN.right, height - MARGIN.bottom + 4.5);
  points.fillStyle = css.ink;
  points.textBaseline = "bottom";
  points.textAlign = "right";
  points.fillText("variability →", width - MARGIN.right, height - 0.5);
  points.textAlign = "left";
  points.textBaseline = "top";
  points.fillText("↑ confidence", MARGIN.left + 2, 0);
  points.setTransform(1, 0, 0, 1, 0, 0);
}

function drawMarks() {
  const { css } = theme();
  marks.setTransform(plot.scale, 0, 0, plot.scale, 0, 0);
  marks.clearRect(0, 0, plot.width, plot.height);
  const radius = radiusOf(plot.num) + 3;
  for (const [point, wide] of [[view.pinned, 2.5], [view.hovered, 1.5]]) {
    if (point < 0 || !(plot.x[point] >= 0)) continue;
    for (const [color, width] of [[css.paper, wide + 2.5], [css.ink, wide]]) {
      marks.strokeStyle = color;
      marks.lineWidth = width;
      marks.beginPath();
      marks.arc(plot.x[point], plot.y[point], radius, 0, 2 * Math.PI);
      marks.stroke();
    }
  }
  drawLasso(css);
  marks.setTransform(1, 0, 0, 1, 0, 0);
}

// points by squares: those of square s are items[starts[s]] to items[starts[s + 1]]
let squares = null;

function indexPoints() {
  const across = Math.ceil(plot.width / CELL) + 1;
  const down = Math.ceil(plot.height / CELL) + 1;
  const squareOf = (i) => Math.floor(plot.y[i] / CELL) * across + Math.floor(plot.x[i] / CELL);
  const starts = new Uint32Array(across * down + 1);
  const kept = [];
  for (let i = 0; i < num; i++) if (view.visible[i] && plot.x[i] >= 0) kept.push(i);
  for (const i of kept) starts[squareOf(i) + 1]++;
  for (let s = 1; s < starts.length; s++) starts[s] += starts[s - 1];
  const next = starts.slice();
  const items = new Uint32Array(kept.length);
  for (const i of kept) items[next[squareOf(i)]++] = i;
  squares = { across, down, starts, items };
}

function nearest(x, y, reach) {
  if (squares === null) indexPoints();
  const { across, down, starts, items } = squares;
  let [best, closest] = [-1, reach * reach];
  const [left, right] = [x - reach, x + reach].map((at) => Math.min(across - 1, Math.max(0, Math.floor(at / CELL))));
  const [top, bottom] = [y - reach, y + reach].map((at) => Math.min(down - 1, Math.max(0, Math.floor(at / CELL))));
  for (let row = top; row <= bottom; row++) {
    for (let at = starts[row * across + left]; at < starts[row * across + right + 1]; at++) {
      const i = items[at];
      const distance = (plot.x[i] - x) ** 2 + (plot.y[i] - y) ** 2;
      if (distance < closest) [best, closest] = [i, distance];
    }
  }
  return best;
}

// the next visible point in a direction: near, and not far off it
function walk(from, dx, dy) {
  if (from < 0) return view.rows.length > 0 ? view.rows[0] : -1;
  const [across, up] = [run().values("variability"), run().values("confidence")];
  let [best, least] = [-1, Infinity];
  for (let i = 0; i < num; i++) {
    if (!view.visible[i] || i === from) continue;
    // also to those out of view, which then moves; undefined places are in no direction
    const [right, down] = [acrossOf(across[i]) - acrossOf(across[from]), upOf(up[i]) - upOf(up[from])];
    const along = right * dx + down * dy;
    const aside = Math.abs(right * dy) + Math.abs(down * dx);
    if (along < 0.5 || aside > along) continue;
    if (along + 2 * aside < least) [best, least] = [i, along + 2 * aside];
  }
  return best < 0 ? from : best;
}
