// How many are decided, and how many of those were wrong against what was foretold: counted as decisions change.

const tally = { decided: 0, seen: 0, wrong: 0, foretold: 0 };
for (const part of parts) Object.assign(part, { decided: 0, ofSuspects: 0 });

const isWrong = ({ action }) => action === "drop" || action === "relabel";

function count(place, decision, sign) {
  if (decision === undefined) return;
  const part = partOf(place);
  part.decided += sign;
  if (place < part.suspectTo) part.ofSuspects += sign;
  tally.decided += sign;
  if (decision.action === "unsure" || Number.isNaN(pWrongOf(place))) return;
  tally.seen += sign;
  tally.wrong += sign * isWrong(decision);
  tally.foretold += sign * pWrongOf(place);
}

whenDecided((place, was, decision) => {
  if (place === undefined) return;
  count(place, was, -1);
  count(place, decision, 1);
});

const EVERY = 10;

// of those that somebody was sure about
function tell() {
  if (given.blind || tally.seen === 0 || tally.decided % EVERY !== 0) return;
  const were = tally.wrong === 1 ? "was" : "were";
  const unsure = tally.seen < tally.decided ? ` (${counted(tally.decided - tally.seen)} unsure)` : "";
  const found = `Of ${counted(tally.decided)} labels seen ${counted(tally.wrong)} ${were} wrong${unsure}, where ${tally.foretold.toFixed(1)} were foretold. `;
  note(found, "Save labels.csv, and ", code(given.learns), " learns from them.");
}

function progress(part) {
  if (part.numSuspect === 0) return `${counted(part.decided)} of ${counted(part.num)} decided`;
  const beyond = part.decided - part.ofSuspects;
  return `${counted(part.ofSuspects)} of ${counted(part.numSuspect)} suspects decided${beyond > 0 ? `, ${counted(beyond)} beyond` : ""}`;
}
