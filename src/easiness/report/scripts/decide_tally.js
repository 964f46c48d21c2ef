// How many are decided, and how many of those were wrong against what was foretold: counted as decisions change.

const tally = { decided: 0 };
for (const part of parts) Object.assign(part, { decided: 0, ofSuspects: 0, seen: 0, wrong: 0, foretold: 0 });

const isWrong = ({ action }) => action === "drop" || action === "relabel";

function count(place, decision, sign) {
  if (decision === undefined) return;
  const part = partOf(place);
  tally.decided += sign;
  part.decided += sign;
  if (place < part.suspectTo) part.ofSuspects += sign;
  if (decision.action === "unsure" || Number.isNaN(pWrongOf(place))) return;
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
  if (given.blind || part.seen === 0 || part.decided % EVERY !== 0) return;
  const were = part.wrong === 1 ? "was" : "were";
  const unsure = part.seen < part.decided ? ` (${counted(part.decided - part.seen)} unsure)` : "";
  const found = `Of ${counted(part.decided)} labels seen ${counted(part.wrong)} ${were} wrong${unsure}, where ${part.foretold.toFixed(1)} were foretold. `;
  note(found, `Save ${given.file}, and `, ...command(part));
}

function progress(part) {
  if (part.numSuspect === 0) return `${counted(part.decided)} of ${counted(part.num)} decided`;
  const beyond = part.decided - part.ofSuspects;
  return `${counted(part.ofSuspects)} of ${counted(part.numSuspect)} suspects decided${beyond > 0 ? `, ${counted(beyond)} beyond` : ""}`;
}
