// How many are decided, and how many of those were wrong against what was foretold: counted as decisions change.

const known = new Set(given.known ?? []); // before an audit: no looks
const tally = { decided: 0 };
for (const part of parts) {
  const looks = part.num - [...known].filter((place) => partOf(place) === part).length;
  Object.assign(part, { looks, looked: 0, unsure: 0, ofSuspects: 0, unsureSuspects: 0, seen: 0, wrong: 0, foretold: 0 });
}

const isWrong = ({ action }) => action === "drop" || action === "relabel";

function count(place, decision, sign) {
  if (decision === undefined || known.has(place)) return;
  const part = partOf(place);
  const unsure = decision.action === "unsure";
  tally.decided += sign * !unsure;
  part.looked += sign;
  part.unsure += sign * unsure;
  if (place < part.suspectTo) {
    part.ofSuspects += sign;
    part.unsureSuspects += sign * unsure;
  }
  if (unsure || Number.isNaN(pWrongOf(place))) return;
  part.seen += sign;
  part.wrong += sign * isWrong(decision);
  part.foretold += sign * pWrongOf(place);
}

whenDecided((place, was, decision) => {
  if (place === undefined) return;
  count(place, was, -1);
  count(place, decision, 1);
});

const EVERY = 10;

// what is said stays until something else is
function note(...said) {
  element("note-text").replaceChildren(...said);
  element("note").hidden = said.length === 0;
}

// the command that reads the file, and what it does
function command(part) {
  const split = !given.audit && splitOf(part.from) === "held_out" ? " --split held_out" : "";
  return [make("code", { textContent: given.command + split }), given.audit ? " says how many labels are wrong." : " learns from them."];
}

// of those that somebody was sure about
function tell(part) {
  if (given.blind || part.seen === 0 || part.looked % EVERY !== 0) return;
  const were = part.wrong === 1 ? "was" : "were";
  const unsure = part.seen < part.looked ? ` (${counted(part.looked - part.seen)} unsure)` : "";
  const found = `Of ${counted(part.looked)} labels seen ${counted(part.wrong)} ${were} wrong${unsure}, where ${part.foretold.toFixed(1)} were expected. `;
  note(found, `Save ${given.file}, and `, ...command(part));
}

function progress(part) {
  const unsureOf = (unsure) => (unsure > 0 ? `, ${counted(unsure)} unsure` : "");
  if (part.numSuspect === 0) return `${counted(part.looked - part.unsure)} of ${counted(part.looks)} decided${unsureOf(part.unsure)}`;
  const beyond = part.looked - part.ofSuspects;
  const decided = `${counted(part.ofSuspects - part.unsureSuspects)} of ${counted(part.numSuspect)} suspects decided`;
  return `${decided}${unsureOf(part.unsureSuspects)}${beyond > 0 ? `; ${counted(beyond)} beyond` : ""}`;
}
