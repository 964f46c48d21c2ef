// Decisions, kept in the browser as they are made. A decision is {action, label, by, time}; of each example there is one at most.

const ACTIONS = ["keep", "relabel", "drop", "unsure"];
const PREFIX = `${JSON.stringify(["easiness", given.run, given.data, given.blind])} `; // none begins another
const [NAME, PLAY_EACH, COLUMNS_ORDER] = ["easiness by", "easiness play each", "easiness columns"];
const UNDONE = "undone"; // kept in place of an action where that of a file is not to count

const decisions = new Map(); // by split and id; of examples that the page does not list as well
const listeners = [];
const whenDecided = (listener) => listeners.push(listener);
const decisionOn = (place) => decisions.get(keyOf(splitOf(place), ids[place]));

let refused = false; // by the browser, to keep something
let unsaved = false; // is there something that nobody keeps?

function inStorage(act) {
  try {
    return act(localStorage);
  } catch {
    if (!refused) {
      refused = true;
      note(`This browser keeps nothing for this page: decisions are lost when it is closed, so save ${given.file} before.`);
    }
    return null;
  }
}

const recall = (name) => inStorage((storage) => storage.getItem(name));
const remember = (name, value) => inStorage((storage) => storage.setItem(name, value));

addEventListener("beforeunload", (event) => {
  if (refused && unsaved) event.preventDefault();
});

const isClass = (label) => Number.isInteger(label) && label >= 0 && label < classes.length;

function isSound(key, [action, label]) {
  if (action === UNDONE) return true;
  if (!ACTIONS.includes(action) || !isClass(label)) return false;
  return !(action === "keep" || action === "unsure") || !placeOf.has(key) || label === labels[placeOf.get(key)];
}

// what was kept is believed only where it makes sense
function decisionFrom(key, text) {
  if (text === null) return undefined;
  try {
    const kept = JSON.parse(text);
    const [action, label, by, time, cells] = kept;
    return isSound(key, kept) ? { action, label, by: String(by ?? ""), time: String(time ?? ""), cells: cells ?? undefined } : undefined;
  } catch {
    return undefined;
  }
}

const textFrom = ({ action, label, by, time, cells }) => JSON.stringify(cells ? [action, label, by, time, cells] : [action, label, by, time]);

function put(key, decision) {
  const was = decisions.get(key);
  if (decision === undefined) decisions.delete(key);
  else decisions.set(key, decision);
  const place = placeOf.get(key);
  for (const listener of listeners) listener(place < num ? place : undefined, was, decision);
}

const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const instant = (decision) => Date.parse(decision?.time) || 0;

// by the file that the page was made of
const inFile = new Map();
for (const [place, [action, label, by, when]] of Object.entries(given.decided ?? {})) {
  inFile.set(keyOf(splitOf(place), ids[place]), { action, label, by, time: when });
}

// what is decided here: kept, and told to other tabs by the browser; that nothing is any more, where a file says something
function decideOn(key, decision) {
  put(key, decision);
  unsaved = true;
  if (decision !== undefined) remember(PREFIX + key, textFrom(decision));
  else if (inFile.has(key)) remember(PREFIX + key, textFrom({ action: UNDONE, label: NONE, by: "", time: time() }));
  else inStorage((storage) => storage.removeItem(PREFIX + key));
}

// of what is kept and what the file says the later counts
function kept(key, text) {
  const [ours, theirs] = [decisionFrom(key, text), inFile.get(key)];
  if (ours === undefined || instant(theirs) > instant(ours)) return theirs;
  return ours.action === UNDONE ? undefined : ours;
}

// the example that something is kept of; nothing where it is not of such a page
function keyIn(name) {
  const key = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : "";
  return SPLITS.some((split) => key.startsWith(keyOf(split, ""))) ? key : undefined;
}

function readAll() {
  for (const [key, decision] of inFile) put(key, decision);
  for (const name of inStorage((storage) => Object.keys(storage)) ?? []) {
    const key = keyIn(name);
    if (key !== undefined) put(key, kept(key, recall(name)));
  }
}

addEventListener("storage", (event) => {
  if (event.key === null) {
    for (const key of [...decisions.keys()]) put(key, kept(key, null)); // all was deleted
    return;
  }
  const key = keyIn(event.key);
  if (key !== undefined) put(key, kept(key, event.newValue));
});

const time = () => new Date().toISOString().replace(/\.\d+Z$/, "Z");
