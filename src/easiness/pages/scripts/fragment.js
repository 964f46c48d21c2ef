// The view in the address, so that a link opens it; what an address says is believed only where it makes sense.

const OURS = "data-map&";
const LONGEST = 1500; // letters for a selection

const whole = (text, most) => (/^\d{1,9}$/.test(text ?? "") && Number(text) < most ? Number(text) : null);

function decimal(text) {
  const value = text === null || text.trim() === "" ? NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}

// "3-9.12": runs of positions
function packed(selected) {
  const parts = [];
  const sorted = Uint32Array.from(selected).sort();
  for (let i = 0; i < sorted.length; ) {
    let end = i;
    while (end + 1 < sorted.length && sorted[end + 1] === sorted[end] + 1) end++;
    parts.push(end > i ? `${sorted[i]}-${sorted[end]}` : `${sorted[i]}`);
    i = end + 1;
  }
  return parts.join(".");
}

function unpacked(text) {
  const selected = new Set();
  if (text === null || text.length > LONGEST) return selected;
  for (const part of text.split(".")) {
    const [from, to] = part.split("-");
    const first = whole(from, num);
    const last = to === undefined ? first : whole(to, num);
    if (first === null || last === null) continue;
    for (let i = first; i <= last; i++) selected.add(i);
  }
  return selected;
}

// an address that names an order and not its direction means the ascending one
const usuallyDescends = (parts) => !parts.has("sort") && DEFAULTS.descending;

function written() {
  const parts = new URLSearchParams();
  for (const name of ["run", "color", "least", "most", "search", "sort", "page", "pinned", "zoom", "x", "y"]) {
    if (view[name] !== DEFAULTS[name] && view[name] !== null) parts.set(name, String(view[name]));
  }
  for (const name of ["label", "suggested", "predicted"]) if (view[name] >= 0) parts.set(name, String(view[name]));
  if (view.descending !== usuallyDescends(parts)) parts.set("descending", view.descending ? "1" : "0");
  if (view.only) parts.set("only", "1");
  const selected = packed(view.selected);
  if (selected !== "" && selected.length <= LONGEST) parts.set("selected", selected);
  return parts.toString();
}

function writeFragment() {
  const text = written();
  const ours = location.hash.slice(1).startsWith(OURS);
  if (text === "" && !ours) return;
  history.replaceState(null, "", `#${OURS}${text}`);
}

let waiting;

// not at each letter typed: browsers refuse an address that changes too often
function writeSoon() {
  clearTimeout(waiting);
  waiting = setTimeout(writeFragment, 150);
}

function readFragment() {
  const hash = location.hash.slice(1);
  if (!hash.startsWith(OURS)) return false;
  clearTimeout(waiting);
  const parts = new URLSearchParams(hash.slice(OURS.length));
  const among = (name, most) => whole(parts.get(name), most) ?? DEFAULTS[name];
  const index = among("run", runs.length);
  const known = (name) => (runs[index].scores.has(parts.get(name)) ? parts.get(name) : DEFAULTS[name]);
  const sorts = ["id", "label", "suggested"];
  const zoom = Math.min(CLOSEST, Math.max(1, decimal(parts.get("zoom")) ?? 1));
  const share = (name) => clamped(decimal(parts.get(name)) ?? 0, 1 - 1 / zoom);
  change({
    run: index,
    color: known("color"),
    label: among("label", classes.length),
    suggested: among("suggested", classes.length),
    predicted: among("predicted", classes.length),
    least: decimal(parts.get("least")),
    most: decimal(parts.get("most")),
    search: (parts.get("search") ?? "").slice(0, 500),
    sort: sorts.includes(parts.get("sort")) ? parts.get("sort") : known("sort"),
    descending: parts.has("descending") ? parts.get("descending") === "1" : usuallyDescends(parts),
    page: among("page", Math.ceil(num / PER_PAGE)),
    pinned: among("pinned", num),
    only: parts.get("only") === "1",
    selected: unpacked(parts.get("selected")),
    zoom,
    x: share("x"),
    y: share("y"),
  });
  changes.add("page"); // a filter that changes with it does not turn back to the first one
  return true;
}
