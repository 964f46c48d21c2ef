// The examples to decide on, by their place: those of the list first, then others that stand beside them.

const given = JSON.parse(document.getElementById("decide-values").textContent);
const { classes, parts } = given;
const { ids, labels, splits } = given.examples;
const SPLITS = ["train", "held_out"];
const NONE = -1;

const element = (name) => document.getElementById(`decide-${name}`);
const num = parts.reduce((sum, part) => sum + part.num, 0);
const splitOf = (place) => SPLITS[splits[place]];
const keyOf = (split, id) => `${split}/${id}`;
const placeOf = new Map(ids.map((id, place) => [keyOf(splitOf(place), id), place]));
const className = (label) => classes[label] ?? "";
// the id of a question is that of its example, a mark, and its tag
const isQuestion = given.tags !== undefined;
const markIn = (id) => (isQuestion ? id.lastIndexOf("#") : id.length);
const exampleOf = (id) => id.slice(0, markIn(id));
const tagOf = (id) => id.slice(markIn(id) + 1);
const shortExample = (id) => exampleOf(id).slice(exampleOf(id).lastIndexOf("/") + 1) || exampleOf(id);
const shortId = (place) => shortExample(ids[place]) + (isQuestion ? `, ${tagOf(ids[place])}` : "");
const suggestedOf = (place) => given.suggested?.[place] ?? NONE;
const pWrongOf = (place) => given.pWrong?.[place] ?? NaN;
// in small letters, as no reason to look: of labels that chance has drawn, or that are likely right
const isFaint = (place) => given.audit || pWrongOf(place) < given.above;

// lists to go through, one after the other
let before = 0;
for (const part of parts) {
  part.from = before;
  part.to = before += part.num;
  part.suspectTo = part.from + part.numSuspect;
}
const partOf = (place) => parts.find((part) => place < part.to);

const courses = (given.courses ?? []).map((course) => ({ ...course, lines: coursesOf(course) }));

function courseOf(place) {
  const course = courses.find(({ first, num: size }) => place >= first && place < first + size);
  return course === undefined ? [] : [drawnCourse(course, course.lines(place - course.first))];
}
