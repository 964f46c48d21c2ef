// The values of the page: columns of codes become numbers when they are first asked for.

const data = JSON.parse(document.getElementById("map-values").textContent);
const num = data.num;

const spaced = ({ first, step }) => Array.from({ length: num }, (_, i) => String(first + i * step));
const ids = Array.isArray(data.ids) ? data.ids : spaced(data.ids);
// may go on in the next line behind a dash, a dot or a slash, as elsewhere on the page
const JOINTS = /(?<=[\p{L}\p{N}][_/\\-])(?=[\p{L}\p{N}_])|(?<=[\p{L}\p{N}_]\.)(?=\p{L})(?!\w{1,4}$)/u;
const named = (text) => text.split(JOINTS).flatMap((part, at) => (at === 0 ? [part] : [document.createElement("wbr"), part]));

const endOf = (id) => (data.tags === undefined ? id.length : id.lastIndexOf("#")); // of a question, the tag is behind it
const shortId = (point) => ids[point].slice(ids[point].lastIndexOf("/", endOf(ids[point])) + 1) || ids[point];
const lowerIds = once(() => ids.map((id) => id.toLowerCase()));
const classes = data.classes;
const labels = indicesOf(data.labels);

const runs = data.runs.map((run) => {
  const scores = new Map(run.scores.map((score) => [score.name, score]));
  const columns = new Map();
  return {
    ...run,
    scores,
    names: [...scores.keys()],
    values(name) {
      const score = scores.get(name);
      if (score === undefined) return null;
      if (score.same) return this.values(score.same);
      if (!columns.has(name)) columns.set(name, numbersOf(score));
      return columns.get(name);
    },
    suggested: once(() => indicesOf(run.suggested)),
    predicted: once(() => indicesOf(run.predicted)),
    predictedShare: once(() => numbersOf(run.predictedShare)),
    trajectory: coursesOf(run),
  };
});

// pictures and sounds: the map's own, and those that the page shows in any case
const [pictures, sounds] = [elsewhere("img"), elsewhere("audio")];
const pictureOf = (point) => unfolded(data.pictures, point) ?? pictures().get(ids[point]);
const soundOf = (point) => unfolded(data.sounds, point) ?? sounds().get(ids[point]);
const textOf = (point) => unfolded(data.texts, point);
const hasTexts = Array.isArray(data.texts);
const lowerTexts = once(() => (hasTexts ? data.texts.map((_, at) => textOf(at).toLowerCase()) : null));

const className = (label) => (label < 0 ? "" : classes[label]);
const words = (name) => (name === "p_wrong" ? "p wrong" : name.replaceAll("_", " "));

// a score as text: whole where all its values are
const wholeScores = new Map();

function scoreText(name, point) {
  const [values, names] = [run().values(name), run().scores.get(name)?.names];
  if (names !== undefined) return names[values[point]] ?? "–";
  const key = `${view.run} ${name}`;
  if (!wholeScores.has(key)) wholeScores.set(key, !values.some((value) => !Number.isNaN(value) && !Number.isInteger(value)));
  return wholeScores.get(key) || Number.isNaN(values[point]) ? shortNumber(values[point]) : values[point].toFixed(3);
}
