// A closer look at a part of the map, by wheel, pinch, keys and buttons: 1 / zoom of it, from x and y, both shares.

const CLOSEST = 64;
const ONCE = 1.6; // how much closer a key or a button takes

const clamped = (value, most) => Math.min(most, Math.max(0, value));
const rounded = (value) => Number(value.toFixed(4));

function lookAt(zoom, x, y) {
  const room = 1 - 1 / zoom;
  change({ zoom, x: rounded(clamped(x, room)), y: rounded(clamped(y, room)), hovered: -1 });
}

// shares of what is seen that a place on the canvas has to its left and below it
const seenAt = ([left, top]) => [(left - MARGIN.left) / plotWidth(), (plot.height - MARGIN.bottom - top) / plotHeight()];
const middle = () => [MARGIN.left + plotWidth() / 2, MARGIN.top + plotHeight() / 2];

// what is at a place stays there
function zoomTo(asked, at = middle()) {
  const zoom = rounded(Math.min(CLOSEST, Math.max(1, asked)));
  const [across, up] = seenAt(at);
  lookAt(zoom, view.x + across / view.zoom - across / zoom, view.y + up / view.zoom - up / zoom);
}

// by pixels of the canvas; whether there was anything further on
function moveBy(right, down) {
  const [x, y] = [view.x, view.y];
  lookAt(view.zoom, x + right / plotWidth() / view.zoom, y - down / plotHeight() / view.zoom);
  return x !== view.x || y !== view.y;
}

const wholeMap = () => lookAt(1, 0, 0);

// an example that is chosen in the table is brought into view
function bringIntoView(point) {
  const [across, up] = ["variability", "confidence"].map((name) => run().values(name)[point]);
  if (view.zoom === 1 || !(across >= 0 && up >= 0) || plot.x[point] >= 0) return;
  lookAt(view.zoom, across / plot.most - 0.5 / view.zoom, up - 0.5 / view.zoom);
}

// with Ctrl, as a pinch on a touchpad is told; alone it moves what is enlarged, and then the page
canvas.addEventListener("wheel", (event) => {
  const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
  const [right, down] = event.shiftKey && event.deltaX === 0 ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    zoomTo(view.zoom * Math.exp(-Math.max(-60, Math.min(60, event.deltaY * unit)) / 150), atPointer(event));
  } else if (view.zoom > 1 && moveBy(right * unit, down * unit)) event.preventDefault();
}, { passive: false });

// two fingers: what was between them stays between them
let pinch = null;

function fingers({ touches: [one, other] }) {
  const box = canvas.getBoundingClientRect();
  const at = [(one.clientX + other.clientX) / 2 - box.left, (one.clientY + other.clientY) / 2 - box.top];
  return { at, apart: Math.max(1, Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY)) };
}

canvas.addEventListener("touchstart", (event) => {
  pinch = event.touches.length === 2 ? fingers(event) : null;
  if (pinch === null) return;
  event.preventDefault();
  endPath();
}, { passive: false });

canvas.addEventListener("touchmove", (event) => {
  if (pinch === null || event.touches.length !== 2) return;
  event.preventDefault();
  const now = fingers(event);
  moveBy(pinch.at[0] - now.at[0], pinch.at[1] - now.at[1]);
  zoomTo((view.zoom * now.apart) / pinch.apart, now.at);
  pinch = now;
}, { passive: false });

const KEYS = {
  "+": () => zoomTo(view.zoom * ONCE),
  "=": () => zoomTo(view.zoom * ONCE),
  "-": () => zoomTo(view.zoom / ONCE),
  0: wholeMap,
};

canvas.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const step = event.shiftKey ? STEPS_BY_KEY[event.key] : undefined;
  if (step !== undefined) moveBy((step[0] * plotWidth()) / 4, (step[1] * plotHeight()) / 4);
  else if (KEYS[event.key] !== undefined) KEYS[event.key]();
  else return;
  event.preventDefault();
});

element("closer").addEventListener("click", KEYS["+"]);
element("further").addEventListener("click", KEYS["-"]);
element("whole").addEventListener("click", wholeMap);

function showZoom() {
  element("closer").disabled = view.zoom >= CLOSEST;
  for (const name of ["further", "whole"]) element(name).disabled = view.zoom === 1;
}
