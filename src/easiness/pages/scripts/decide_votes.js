// Who said what of an example, as the column `said` has it: "ann: dog; bob: cat or dog; eve: unsure".

const SAID = OTHERS.indexOf("said");
const WORDS = ["keep", "drop", "wrong"]; // of people who decided on the label
const isWord = (answer) => WORDS.includes(answer) && !byName.has(answer);
const bareName = (answer) => /^class ['"](.*)['"]$/s.exec(answer)?.[1] ?? answer; // as a class like one of the words is written
const namesIn = (answer) => (byName.has(answer) ? [answer] : answer.split(" or "));
const isAnswer = (answer) => answer === "unsure" || isWord(answer) || byName.has(bareName(answer)) || namesIn(answer).every((name) => byName.has(name));
const MOST_SUMS = 4;
const mostParts = Math.max(...classes.map((name) => name.split("; ").length));

// each name with its answer; null where the text can be read in several ways, or in none
function votesIn(text) {
  const ends = [...text.matchAll(/; |$/g)].map((match) => match.index);
  const starts = [0, ...ends.slice(0, -1).map((end) => end + 2)];
  const readings = new Map([[text.length + 2, { ways: 1 }]]); // of what begins at a place
  for (const [at, start] of [...starts.entries()].reverse()) {
    const all = { ways: 0 };
    let inside = text.length; // a name that goes on to here has a vote in it
    for (let colon = text.indexOf(": ", start + 1); colon >= 0 && colon < inside; colon = text.indexOf(": ", colon + 1)) {
      const behind = ends.slice(at).filter((end) => end >= colon + 2);
      for (const end of behind.slice(0, mostParts).filter((one) => isAnswer(text.slice(colon + 2, one)))) {
        inside = Math.min(inside, end + 2);
        const rest = readings.get(end + 2);
        if (rest.ways > 0) Object.assign(all, { ways: all.ways + rest.ways, vote: [text.slice(start, colon), text.slice(colon + 2, end)], rest });
      }
    }
    readings.set(start, all);
  }
  const votes = [];
  for (let reading = readings.get(0); reading.vote !== undefined; reading = reading.rest) votes.push(reading.vote);
  return readings.get(0).ways === 1 ? votes : null;
}

// nobody differs from the label who is unsure, or names it among others
function differs(answer, own) {
  if (answer === "unsure" || isWord(answer)) return answer === "drop" || answer === "wrong";
  return ![...namesIn(answer), bareName(answer)].includes(own);
}

function drawVotes(place) {
  const text = given.cells[place]?.[SAID] ?? "";
  const votes = votesIn(text);
  const people = new Map(); // by what they say
  for (const [name, answer] of votes ?? []) people.set(answer, [...(people.get(answer) ?? []), name]);
  const groups = [...people].sort(([a, some], [b, others]) => (a === "unsure") - (b === "unsure") || others.length - some.length);
  const word = (answer) => make("bdi", { textContent: answer, className: differs(answer, className(labels[place])) ? "differs" : "" });
  const sums = groups.slice(0, MOST_SUMS).flatMap(([answer, names]) => [", ", word(answer), ` ×${counted(names.length)}`]);
  const more = groups.length > MOST_SUMS ? [", …"] : [];
  const rows = groups.map(([answer, names]) => make("li", {}, word(answer), ...names.map((name) => make("bdi", { textContent: name }))));
  element("votes").hidden = text === "";
  element("votes-sum").replaceChildren(...(votes === null ? ["What people said"] : [`${counted(votes.length)} said `, ...sums.slice(1), ...more]));
  element("votes-list").replaceChildren(...(votes === null ? [make("li", { textContent: text, dir: "auto" })] : rows));
}

element("votes").open = matchMedia("(min-width: 60rem) and (min-height: 40rem)").matches; // else they are summed up

// beside all else that is drawn of an example: pages without votes are as they are without this file
const drawRest = drawExample;
drawExample = (place) => {
  drawRest(place);
  drawVotes(place);
};
