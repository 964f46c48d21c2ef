// Decisions, kept in the browser as they are made. A decision is {action, label, by, time}; of each example there is one at most.

const ACTIONS = ["keep", "relabel", "drop", "unsure"];
const PREFIX = `easiness ${given.run} ${given.data}${given.blind ? " blind" : ""} `;
const NAME = "easiness by";

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
      note("This browser keeps nothing for this page: decisions are lost when it is closed, so save labels.csv before.");
    }
    return null;
  }
}

const recall = (name) => inStorage((storage) => storage.getItem(name));
const remember = (name, value) => inStorage((storage) => storage.setItem(name, value));

addEventListener("beforeunload", (event) => {
  if (refused && unsaved) event.preventDefault();
});

// what was kept is believed only where it makes sense
function decisionFrom(text) {
  try {
    const [action, label, by, time, cells] = JSON.parse(text);
    const sound = ACTIONS.includes(action) && Number.isInteger(label) && label >= 0 && label < classes.length;
    return sound ? { action, label, by: String(by ?? ""), time: String(time ?? ""), cells: cells ?? undefined } : undefined;
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

// what is decided here: kept, and told to other tabs by the browser
function decideOn(key, decision) {
  put(key, decision);
  unsaved = true;
  if (decision === undefined) inStorage((storage) => storage.removeItem(PREFIX + key));
  else remember(PREFIX + key, textFrom(decision));
}

function readAll() {
  const kept = inStorage((storage) => Object.keys(storage).filter((name) => name.startsWith(PREFIX))) ?? [];
  for (const name of kept) {
    const decision = decisionFrom(recall(name));
    if (decision !== undefined) put(name.slice(PREFIX.length), decision);
  }
}

addEventListener("storage", (event) => {
  if (event.key === null) for (const key of [...decisions.keys()]) put(key, undefined); // all was deleted
  else if (event.key.startsWith(PREFIX)) put(event.key.slice(PREFIX.length), event.newValue === null ? undefined : decisionFrom(event.newValue));
});

const time = () => new Date().toISOString().replace(/\.\d+Z$/, "Z");
