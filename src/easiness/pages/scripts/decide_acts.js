// What buttons and keys do: decide and go on, look around, undo.

let current = 0; // the place of the example that is shown
const HISTORY = `${PREFIX}history`; // of no example: those begin with their split
const MOST_UNDONE = 500;
const undone = readHistory(); // what was decided in this tab, and before it was loaded, the last one last: key, what was before, what is since
const acts = Object.fromEntries([...element("acts").querySelectorAll("[data-act]")].map((button) => [button.dataset.act, button]));
const OF_QUESTIONS = isQuestion ? { p: "present", a: "absent" } : {};
const KEYS = { ...OF_QUESTIONS, k: "keep", s: "take", d: "drop", u: "unsure", b: "back", n: "next", ArrowLeft: "before", ArrowRight: "after", " ": "play", z: "enlarge" };

const focusOn = (name) => element(name).focus({ preventScroll: true });
const speak = (text) => (element("spoken").textContent = text);

function show(place) {
  current = place;
  element("part").value = String(parts.indexOf(partOf(place)));
  drawExample(place);
  drawProgress();
  element("one").scrollTop = 0;
}

function readHistory() {
  try {
    const kept = JSON.parse(recall(HISTORY) ?? "[]");
    return kept.filter(([key]) => placeOf.get(key) < num).map(([key, ...both]) => [key, ...both.map((text) => decisionFrom(key, text))]);
  } catch {
    return []; // somebody else wrote it
  }
}

function writeHistory() {
  const both = (some) => some.map((decision) => (decision === undefined ? null : textFrom(decision)));
  remember(HISTORY, JSON.stringify(undone.slice(-MOST_UNDONE).map(([key, ...some]) => [key, ...both(some)])));
}

// decide, so that it can be undone
function decideAnew(key, decision) {
  undone.push([key, decisions.get(key), decision]);
  writeHistory();
  decideOn(key, decision);
}

function drawProgress() {
  const part = partOf(current);
  const [done, of] = part.numSuspect === 0 ? [part.looked, part.looks] : [part.ofSuspects, part.numSuspect];
  Object.assign(element("bar"), { max: Math.max(of, 1), value: done });
  element("count").textContent = progress(part);
}

function undecidedIn(first, end, from) {
  const size = end - first;
  for (let step = 1; step <= size; step++) {
    const place = first + ((from - first + step) % size);
    if (decisionOn(place) === undefined) return place;
  }
  return -1;
}

// the next that is undecided, from the first again behind the last, suspects before others; -1 where all are decided
function nextUndecided(from) {
  const part = partOf(from);
  const suspect = from < part.suspectTo ? undecidedIn(part.from, part.suspectTo, from) : -1;
  return suspect >= 0 ? suspect : undecidedIn(part.from, part.to, from);
}

function described(place) {
  const suggested = isFaint(place) ? NONE : suggestedOf(place);
  const why = given.blind || isFaint(place) || Number.isNaN(pWrongOf(place)) ? "" : `, wrong with a probability of ${pWrongOf(place).toFixed(2)}`;
  return `${shortId(place)}, labelled ${className(labels[place])}${suggested < 0 ? "" : `, ${className(suggested)} suggested`}${why}`;
}

const allSeen = (number, what, unsure) => `All ${counted(number)} ${what} are ${unsure > 0 ? `seen, ${counted(unsure)} of them unsure` : "decided"}.`;

const seeOne = () => element("one").hidden && panel("one");

// to the next that is undecided; from suspects on to others only where that is asked for
function goOn(said, beyond = false) {
  const place = nextUndecided(current);
  const { suspectTo } = partOf(current);
  if (place < 0 || (!beyond && current < suspectTo && place >= suspectTo)) {
    finish(said, place >= 0);
    return;
  }
  show(place);
  seeOne();
  speak(`${said} Next: ${described(place)}.`.trim());
  playWhereAsked();
}

// a list, or the view: at a place, or at the next that is undecided
function enter(place) {
  show(place);
  if (decisionOn(place) !== undefined) goOn("");
  else seeOne();
}

// all suspects are decided, or all of the list where there are no more
function finish(said, more) {
  const { numSuspect, unsureSuspects, looks, unsure } = partOf(current);
  const all = more ? allSeen(numSuspect, "suspects", unsureSuspects) : allSeen(looks, "of this list", unsure);
  element("done-title").textContent = all;
  element("done-more").hidden = !more;
  show(current);
  panel("done");
  speak(`${said} ${all}`.trim());
}

function act(action, label = labels[current]) {
  const place = current;
  const key = keyOf(splitOf(place), ids[place]);
  const decision = { action, label, by: element("by").value.trim(), time: time(), cells: decisions.get(key)?.cells };
  const part = partOf(place);
  const { looked } = part;
  decideAnew(key, decision);
  if (part.looked > looked) tell(part);
  goOn(`${shortId(place)}: ${inWords(decision, place)}.`);
}

function undo() {
  const last = undone.pop();
  if (last === undefined) {
    speak("Nothing to undo.");
    return;
  }
  writeHistory();
  const [key, before, since] = last;
  const now = decisions.get(key);
  const isOurs = isSame(now, since); // no other tab, and no file, has decided
  if (isOurs) decideOn(key, before);
  show(placeOf.get(key));
  seeOne();
  if (isOurs) speak(`Undone. ${described(current)}.`);
  else note(`${shortId(current)} was ${now === undefined ? "undone" : "decided"} meanwhile${now?.by ? ` by ${now.by}` : ""}; it stays as it is.`);
}

function walk(by) {
  const part = partOf(current);
  const place = current + by;
  if (place < part.from || place >= part.to) {
    speak(by < 0 ? "This is the first." : "This is the last.");
    return;
  }
  show(place);
  playWhereAsked();
  const decision = decisionOn(place);
  speak(`${described(place)}. ${decision === undefined ? "Undecided" : inWords(decision, place)}.`);
}

const judge = (label) => act(label === labels[current] ? "keep" : "relabel", label);

const DOES = {
  absent: () => judge(0),
  present: () => judge(1),
  keep: () => act("keep"),
  take: () => suggestedOf(current) >= 0 && act("relabel", suggestedOf(current)),
  drop: () => act("drop"),
  unsure: () => act("unsure"),
  back: undo,
  before: () => walk(-1),
  after: () => walk(1),
  next: () => goOn("", true),
  play: () => playerShown().click(),
  enlarge: () => enlarging()?.click(),
};

element("acts").addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button === null) return;
  DOES[button.dataset.act]();
  if (button.disabled) focusOn("name"); // the next example has no suggestion: the focus would be lost
});

element("undecide").addEventListener("click", () => {
  const key = keyOf(splitOf(current), ids[current]);
  decideAnew(key, undefined);
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
  enter(part.from);
});

// another tab, or a file, has decided: only what is shown changes
whenDecided((place) => {
  if (!dialog.open || place === undefined) return;
  if (place === current) drawSo(current);
  else if (given.copies?.[current]?.some(([other]) => other === place)) drawCopies(current);
  drawProgress();
});
