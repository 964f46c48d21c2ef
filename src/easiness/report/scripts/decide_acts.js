// What buttons and keys do: decide and go on, look around, undo.

let current = 0; // the place of the example that is shown
const undone = []; // what was decided in this tab, the last one last: key, what was before
const acts = Object.fromEntries([...element("acts").querySelectorAll("[data-act]")].map((button) => [button.dataset.act, button]));
const KEYS = { k: "keep", s: "take", d: "drop", u: "unsure", b: "back", n: "next", ArrowLeft: "before", ArrowRight: "after" };

const focusOn = (name) => element(name).focus({ preventScroll: true });
const speak = (text) => (element("spoken").textContent = text);

function show(place) {
  current = place;
  element("part").value = String(parts.indexOf(partOf(place)));
  drawExample(place);
  drawProgress();
  element("one").scrollTop = 0;
}

function drawProgress() {
  const part = partOf(current);
  const [done, of] = part.numSuspect === 0 ? [part.looked, part.looks] : [part.ofSuspects, part.numSuspect];
  Object.assign(element("bar"), { max: Math.max(of, 1), value: done });
  element("count").textContent = progress(part);
}

// the next that is undecided, from the first again behind the last; -1 where all are decided
function nextUndecided(from) {
  const part = partOf(from);
  for (let step = 1; step <= part.num; step++) {
    const place = part.from + ((from - part.from + step) % part.num);
    if (decisionOn(place) === undefined) return place;
  }
  return -1;
}

function described(place) {
  const suggested = suggestedOf(place);
  const why = given.blind || Number.isNaN(pWrongOf(place)) ? "" : `, wrong with a probability of ${pWrongOf(place).toFixed(2)}`;
  return `${shortId(place)}, labelled ${className(labels[place])}${suggested < 0 ? "" : `, ${className(suggested)} suggested`}${why}`;
}

const allSeen = (number, what, unsure) => `All ${counted(number)} ${what} are ${unsure > 0 ? `seen, ${counted(unsure)} of them unsure` : "decided"}.`;

function goOn(said) {
  const place = nextUndecided(current);
  if (place >= 0) {
    show(place);
    speak(`${said} Next: ${described(place)}.`.trim());
    return;
  }
  show(current);
  const { looks, unsure } = partOf(current);
  const all = `${allSeen(looks, "of this list", unsure)} Save ${given.file}.`;
  note(all);
  speak(`${said} ${all}`);
}

function act(action, label = labels[current]) {
  const place = current;
  const key = keyOf(splitOf(place), ids[place]);
  const before = decisions.get(key);
  const decision = { action, label, by: element("by").value.trim(), time: time(), cells: before?.cells };
  const part = partOf(place);
  const { looked, ofSuspects } = part;
  undone.push([key, before]);
  decideOn(key, decision);
  if (part.looked > looked) tell(part);
  if (part.ofSuspects > ofSuspects && part.ofSuspects === part.numSuspect && part.num > part.numSuspect) {
    note(`${allSeen(part.numSuspect, "suspects", part.unsureSuspects)} The others of the list are less likely wrong; go on with them, or save ${given.file}.`);
  }
  goOn(`${shortId(place)}: ${inWords(decision, place)}.`);
}

function undo() {
  const last = undone.pop();
  if (last === undefined) {
    speak("Nothing to undo.");
    return;
  }
  const [key, before] = last;
  decideOn(key, before);
  show(placeOf.get(key));
  speak(`Undone. ${described(current)}.`);
}

function walk(by) {
  const part = partOf(current);
  const place = current + by;
  if (place < part.from || place >= part.to) {
    speak(by < 0 ? "This is the first." : "This is the last.");
    return;
  }
  show(place);
  const decision = decisionOn(place);
  speak(`${described(place)}. ${decision === undefined ? "Undecided" : inWords(decision, place)}.`);
}

const DOES = {
  keep: () => act("keep"),
  take: () => suggestedOf(current) >= 0 && act("relabel", suggestedOf(current)),
  drop: () => act("drop"),
  unsure: () => act("unsure"),
  back: undo,
  before: () => walk(-1),
  after: () => walk(1),
  next: () => goOn(""),
};

element("acts").addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button === null) return;
  DOES[button.dataset.act]();
  if (button.disabled) focusOn("name"); // the next example has no suggestion: the focus would be lost
});

element("undecide").addEventListener("click", () => {
  const key = keyOf(splitOf(current), ids[current]);
  undone.push([key, decisions.get(key)]);
  decideOn(key, undefined);
  focusOn("name");
  speak(`${shortId(current)} is undecided.`);
});

element("copies").addEventListener("click", (event) => {
  const { place } = event.target.dataset;
  if (place === undefined) return;
  show(Number(place));
  focusOn("name");
});

element("part").addEventListener("change", (event) => {
  const part = parts[Number(event.target.value)];
  show(decisionOn(part.from) === undefined ? part.from : Math.max(part.from, nextUndecided(part.from)));
});

// another tab, or a file, has decided: only what is shown changes
whenDecided((place) => {
  if (!dialog.open || place === undefined) return;
  if (place === current) drawSo(current);
  else if (given.copies?.[current]?.some(([other]) => other === place)) drawCopies(current);
  drawProgress();
});
