// Colors of a score: from what is worth a look (hard, ambiguous, suspect) to what is easy, from the page's styles.
// Those of names are far apart for all who see colors otherwise, too.

const STEPS = 64;
const MOST_NAMES = 8; // that have colors of their own
const section = document.getElementById("data-map");
const element = (name) => document.getElementById(`map-${name}`);

const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

function rgbOf(property) {
  const probe = document.createElement("span");
  probe.style.color = `var(${property})`;
  section.append(probe);
  pixel.canvas.width = 1; // clears it
  pixel.fillStyle = getComputedStyle(probe).color;
  probe.remove();
  pixel.fillRect(0, 0, 1, 1);
  return Array.from(pixel.getImageData(0, 0, 1, 1).data.slice(0, 3));
}

let themed = null;

function theme() {
  if (themed === null) {
    const stops = [0, 1, 2, 3, 4].map((at) => rgbOf(`--map-${at}`));
    const ramp = Array.from({ length: STEPS }, (_, step) => {
      const place = (step / (STEPS - 1)) * (stops.length - 1);
      const before = Math.min(Math.floor(place), stops.length - 2);
      return stops[before].map((from, c) => Math.round(from + (stops[before + 1][c] - from) * (place - before)));
    });
    const named = Object.fromEntries(
      ["paper", "ink", "soft", "line"].map((name) => [name, `rgb(${rgbOf(`--${name}`).join(" ")})`]),
    );
    const own = Array.from({ length: MOST_NAMES }, (_, at) => rgbOf(`--map-own-${at}`));
    themed = { ramp, own, other: rgbOf("--soft"), undefined: rgbOf("--map-undefined"), paper: rgbOf("--paper"), css: named };
  }
  return themed;
}

function forgetTheme() {
  themed = null;
}

const goodIsHigh = (score) => score.high === "easy" || score.high === "sound label";

// the range of the colors: all but the outermost hundredths, so that a long tail does not take all of them
function colorRange(values) {
  const defined = values.filter(Number.isFinite).sort();
  if (defined.length === 0) return { low: 0, high: 0, least: 0, most: 0, num: 0 };
  const at = (share) => defined[Math.round(share * (defined.length - 1))];
  const [least, most] = [at(0), at(1)];
  const [low, high] = at(0.01) < at(0.99) ? [at(0.01), at(0.99)] : [least, most];
  return { low, high, least, most, num: defined.length };
}

// a step of the ramp for each point, or -1 where the score is undefined
function colorSteps(values, score, range) {
  const steps = new Int8Array(values.length);
  const width = range.high - range.low || 1;
  const upward = goodIsHigh(score);
  for (let i = 0; i < values.length; i++) {
    const share = Math.min(1, Math.max(0, (values[i] - range.low) / width));
    steps[i] = Number.isFinite(values[i]) ? Math.round((upward ? share : 1 - share) * (STEPS - 1)) : -1;
  }
  return steps;
}

// the places of the most frequent names, in the order of names, and how many others there are
function namesWithColors(values, names) {
  const counts = new Uint32Array(names.length);
  for (const value of values) if (Number.isFinite(value)) counts[value] += 1;
  const every = names.map((_, at) => at).filter((at) => counts[at] > 0).sort((a, b) => counts[b] - counts[a]);
  return [every.slice(0, MOST_NAMES).sort((a, b) => a - b), Math.max(0, every.length - MOST_NAMES)];
}

// the color of a point: of a name its own, of a number its step
function colorsOf(values, score) {
  const { ramp, own, other, undefined: none } = theme();
  if (score.names !== undefined) {
    const colors = new Map(namesWithColors(values, score.names)[0].map((at, turn) => [at, own[turn]]));
    return (i) => (Number.isFinite(values[i]) ? colors.get(values[i]) ?? other : none);
  }
  const steps = colorSteps(values, score, colorRange(values));
  return (i) => (steps[i] < 0 ? none : ramp[steps[i]]);
}
