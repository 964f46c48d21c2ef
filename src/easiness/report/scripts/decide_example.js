// One example, large: what it is, why it is suspect, what stands beside it, and what was decided on it.

const NAMES = { keep: "kept", relabel: "relabelled", drop: "dropped", unsure: "unsure" };

function inWords({ action, label }, place) {
  if (action === "relabel") return label === labels[place] ? "wrong, of another class" : `relabelled ${className(label)}`;
  return action === "keep" ? `kept as ${className(labels[place])}` : NAMES[action];
}

const [pagePictures, pageSounds] = [elsewhere("img"), elsewhere("audio")];
const addressOf = (own, ofPage, place) => own[place] ?? (splitOf(place) === "train" ? ofPage().get(ids[place]) : undefined);

function pictureOf(place, small) {
  const source = addressOf(given.pictures, pagePictures, place);
  if (source === undefined) return [];
  const alt = `Example ${ids[place]}, labelled ${className(labels[place])}`;
  return [make("img", { src: source, alt, className: given.pixelated ? "pixelated" : "", decoding: small ? "async" : "sync" })];
}

function soundOf(place) {
  const source = addressOf(given.sounds, pageSounds, place);
  if (source === undefined) return [];
  const player = make("audio", { controls: true, preload: "none", src: source });
  player.setAttribute("aria-label", `Example ${ids[place]}`);
  return [player];
}

function textOf(place) {
  const text = given.texts[place];
  return text === undefined ? [] : [make("p", { className: "decide-text", dir: "auto", textContent: text })];
}

function nameOf(place) {
  const short = shortId(place);
  const folder = make("span", { textContent: ids[place].slice(0, ids[place].length - short.length) });
  return [folder, make("wbr"), short];
}

const bold = (label) => make("bdi", { textContent: className(label) });

function drawLabels(place) {
  const suggested = suggestedOf(place);
  element("label").textContent = className(labels[place]);
  element("suggestion").hidden = suggested < 0;
  element("suggested").textContent = className(suggested);
  element("keep-name").textContent = className(labels[place]);
  if (given.blind) return;
  element("take-name").textContent = suggested < 0 ? "the suggestion" : className(suggested);
  acts.take.disabled = suggested < 0;
}

function drawWhy(place) {
  const p = pWrongOf(place);
  element("why").hidden = Number.isNaN(p);
  if (element("why").hidden) return;
  const kind = given.kinds[place];
  element("p").textContent = `wrong with a probability of ${p.toFixed(2)}`;
  element("meter").value = p;
  element("reason").textContent = [kind === "wrong label" ? "" : kind, given.reasons[place]].filter(Boolean).join(": ");
}

function drawSo(place) {
  const decision = decisionOn(place);
  for (const [name, button] of Object.entries(acts)) {
    if (["keep", "take", "drop", "unsure"].includes(name)) button.setAttribute("aria-pressed", String(isChosen(name, decision, place)));
  }
  element("so").hidden = decision === undefined;
  if (decision === undefined) return;
  const when = new Date(decision.time); // as somebody may have written it
  const said = Number.isNaN(when.getTime()) ? decision.time : when.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  const whose = [decision.by && `by ${decision.by}`, said].filter(Boolean).join(", ");
  element("so-text").textContent = `Decided${whose && ` ${whose}`}: ${inWords(decision, place)}.`;
}

function isChosen(name, decision, place) {
  if (decision === undefined) return false;
  if (name === "take") return decision.action === "relabel" && decision.label === suggestedOf(place);
  return decision.action === name;
}

function drawCopies(place) {
  const copies = given.copies?.[place] ?? [];
  element("copies").hidden = copies.length === 0;
  const rows = copies.map(([other, how]) => {
    const decision = decisionOn(other);
    const so = decision === undefined ? "undecided" : `${inWords(decision, other)}${decision.by ? ` by ${decision.by}` : ""}`;
    const name = other < num ? make("button", { type: "button", textContent: shortId(other), title: ids[other] }) : make("span", { textContent: shortId(other), title: ids[other] });
    if (other < num) name.dataset.place = other;
    const where = splitOf(other) === "held_out" ? " held out," : "";
    return make("li", {}, ...pictureOf(other, true), make("span", {}, name, `, ${how},${where} labelled `, bold(labels[other]), `: ${so}`));
  });
  element("copies").replaceChildren(make("h4", { textContent: copies.length === 1 ? "A copy of it" : "Copies of it" }), make("ul", {}, ...rows));
}

function neighbours(label, places) {
  const shown = places.map((place) => {
    const example = [...pictureOf(place, true), ...textOf(place)];
    return make("li", {}, ...(example.length > 0 ? example : [shortId(place)]), ...soundOf(place));
  });
  return make("div", {}, make("h4", {}, "Nearest labelled ", bold(label)), make("ul", {}, ...shown));
}

function drawNear(place) {
  const near = given.near?.[place];
  element("near").hidden = near === undefined;
  if (near === undefined) return;
  const [own, others] = near;
  const made = own.length > 0 ? [neighbours(labels[place], own)] : [];
  if (others.length > 0) made.push(neighbours(suggestedOf(place), others));
  element("near").replaceChildren(...made);
}

function drawExample(place) {
  element("name").replaceChildren(...nameOf(place));
  const shown = [...pictureOf(place), ...textOf(place), ...soundOf(place)];
  element("shown").replaceChildren(...(shown.length > 0 ? shown : [make("p", { className: "decide-text", textContent: ids[place] })]));
  drawLabels(place);
  drawWhy(place);
  drawSo(place);
  drawCopies(place);
  drawNear(place);
  element("course").replaceChildren(...courseOf(place));
}
