// A line drawn around points selects those within it.

const FAR = 4; // pixels that make a drag
let path = [];
let pressed = null;

function drawLasso(css) {
  if (path.length < 2) return;
  marks.beginPath();
  path.forEach(([x, y], i) => (i === 0 ? marks.moveTo(x, y) : marks.lineTo(x, y)));
  marks.closePath();
  marks.globalAlpha = 0.12;
  marks.fillStyle = css.ink;
  marks.fill();
  marks.globalAlpha = 1;
  marks.setLineDash([5, 4]);
  marks.strokeStyle = css.ink;
  marks.lineWidth = 1.5;
  marks.stroke();
  marks.setLineDash([]);
}

function within(x, y) {
  let inside = false;
  for (let i = 0, j = path.length - 1; i < path.length; j = i++) {
    const [[xi, yi], [xj, yj]] = [path[i], path[j]];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

function enclosed() {
  const [xs, ys] = [path.map((at) => at[0]), path.map((at) => at[1])];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const found = [];
  for (let i = 0; i < num; i++) {
    const [x, y] = [plot.x[i], plot.y[i]];
    if (view.visible[i] && x >= left && x <= right && y >= top && y <= bottom && within(x, y)) found.push(i);
  }
  return found;
}

const canvas = element("marks");
const atPointer = (event) => {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};
const reachOf = (event) => (event.pointerType === "touch" ? 28 : 12);
const touchDraws = () => element("touch").getAttribute("aria-pressed") === "true";

canvas.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || !event.isPrimary) return;
  pressed = atPointer(event);
  if (event.pointerType !== "touch" || touchDraws()) canvas.setPointerCapture(event.pointerId);
});

canvas.addEventListener("pointermove", (event) => {
  const at = atPointer(event);
  if (pressed !== null && (event.pointerType !== "touch" || touchDraws())) {
    const last = path.length > 0 ? path[path.length - 1] : pressed;
    if (Math.hypot(at[0] - last[0], at[1] - last[1]) < FAR) return;
    if (path.length === 0) path = [pressed];
    path.push(at);
    change({ hovered: -1 });
    changes.add("path");
    requestFrame();
  } else if (event.pointerType !== "touch") {
    change({ hovered: nearest(...at, reachOf(event)) });
  }
});

canvas.addEventListener("pointerup", (event) => {
  if (pressed === null) return;
  if (path.length > 2) {
    const added = event.ctrlKey || event.metaKey ? view.selected : [];
    change({ selected: new Set([...added, ...enclosed()]) });
  } else {
    const point = nearest(...atPointer(event), reachOf(event));
    change({ pinned: point === view.pinned ? -1 : point });
  }
  endPath();
});

function endPath() {
  pressed = null;
  path = [];
  changes.add("path");
  requestFrame();
}

canvas.addEventListener("pointercancel", endPath);
canvas.addEventListener("pointerleave", () => {
  if (pressed === null) change({ hovered: -1 });
});

element("touch").addEventListener("click", (event) => {
  const draws = !touchDraws();
  event.currentTarget.setAttribute("aria-pressed", String(draws));
  canvas.style.touchAction = draws ? "none" : "";
});

const STEPS_BY_KEY = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

canvas.addEventListener("keydown", (event) => {
  const step = STEPS_BY_KEY[event.key];
  if (step === undefined || event.shiftKey || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const point = walk(view.pinned, ...step);
  change({ pinned: point, hovered: -1 });
  if (point >= 0) element("spoken").textContent = inWords(point);
});

section.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (path.length > 0) endPath();
  else change({ pinned: -1, hovered: -1 });
});
