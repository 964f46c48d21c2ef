// What is looked at: one value; whoever changes it says what, and what depends on that is done once a frame.

const PER_PAGE = 50;
const firstWith = (...names) => names.find((name) => runs[0].scores.has(name)) ?? runs[0].names[0];

const DEFAULTS = Object.freeze({
  run: 0,
  color: firstWith("easiness"),
  label: -1,
  suggested: -1,
  predicted: -1,
  least: null,
  most: null,
  search: "",
  sort: firstWith("difficulty", "easiness"),
  descending: firstWith("difficulty") === "difficulty", // the hardest first
  page: 0,
  pinned: -1,
  only: false,
  zoom: 1,
  x: 0,
  y: 0,
});

const view = { ...DEFAULTS, selected: new Set(), hovered: -1, visible: new Uint8Array(num), rows: [] };
const listeners = [];
let changes = new Set();

const onChange = (listener) => listeners.push(listener);

function change(values) {
  for (const [name, value] of Object.entries(values)) {
    if (view[name] === value) continue;
    view[name] = value;
    changes.add(name);
  }
  if (changes.size > 0) requestFrame();
}

let asked = false;

function requestFrame() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    const changed = changes;
    changes = new Set();
    const any = (...names) => names.some((name) => changed.has(name));
    for (const listener of listeners) listener(any);
  });
}

const FILTERS = ["run", "color", "label", "suggested", "predicted", "least", "most", "search"];
const run = () => runs[view.run];

// which points pass the filters
function filter() {
  const { label, suggested, predicted, least, most } = view;
  const asked = view.search.trim().toLowerCase();
  const [names, texts] = asked === "" ? [null, null] : [lowerIds(), lowerTexts()];
  const values = least === null && most === null ? null : run().values(view.color);
  const ofSuggested = suggested < 0 ? null : run().suggested();
  const ofPredicted = predicted < 0 ? null : run().predicted();
  const visible = new Uint8Array(num);
  for (let i = 0; i < num; i++) {
    if (label >= 0 && labels[i] !== label) continue;
    if (ofSuggested !== null && ofSuggested[i] !== suggested) continue;
    if (ofPredicted !== null && ofPredicted[i] !== predicted) continue;
    // an undefined score is in no range
    if (values !== null && !(values[i] >= (least ?? -Infinity) && values[i] <= (most ?? Infinity))) continue;
    if (names !== null && !names[i].includes(asked) && !texts?.[i].includes(asked)) continue;
    visible[i] = 1;
  }
  return visible;
}

onChange((any) => {
  if (any(...FILTERS, "started")) {
    view.visible = filter();
    if (!any("page")) view.page = 0;
  }
});
