// One example, large: what it is, why it is suspect, what stands beside it, and what was decided on it.

const [BRIEF_LETTERS, BRIEF_COLUMNS] = [200, 3];
const STATES = ["absent", "present"]; // of a tag
const NAMES = { keep: "kept", relabel: "relabelled", drop: "dropped", unsure: "unsure" };

function inWords({ action, label }, place) {
  if (action === "relabel") return label === labels[place] ? "wrong, of another class" : `relabelled ${className(label)}`;
  return action === "keep" ? `kept as ${className(labels[place])}` : NAMES[action];
}

const [pagePictures, pageSounds] = [elsewhere("img"), elsewhere("audio")];
const addressOf = (own, ofPage, place) => unfolded(own, place) ?? (splitOf(place) === "train" ? ofPage().get(ids[place]) : undefined);

function pictureOf(place, small) {
  const [own, large] = [addressOf(given.pictures, pagePictures, place), unfolded(given.photos, place)];
  const source = small ? own ?? large : large ?? own;
  if (source === undefined) return [];
  const alt = `Example ${ids[place]}, labelled ${className(labels[place])}`;
  return [make("img", { src: source, alt, className: given.pixelated ? "pixelated" : "", decoding: small ? "async" : "sync" })];
}

// a picture that opens its file where that lies, else itself in large
function openedOf(place, small) {
  const picture = pictureOf(place, small);
  const href = given.originals?.[place];
  if (picture.length === 0) return picture;
  const otherwise = () => (small ? picture : enlarged(picture));
  if (href === undefined || gone.has(place)) return otherwise();
  const link = make("a", { className: "decide-open-file", href, target: "_blank", rel: "noopener", title: "Open the file" }, ...picture);
  const check = () => {
    const file = new Image(); // nothing else tells a page without a server whether a file is there
    file.addEventListener("error", () => {
      gone.add(place);
      link.replaceWith(...otherwise());
    });
    file.src = href;
  };
  if (!small) check();
  else for (const near of ["pointerenter", "focus"]) link.addEventListener(near, check, { once: true }); // of many, those to be opened alone
  return [link];
}

const gone = new Set(); // places whose files are not there, or are nothing that a browser shows

function enlarged(picture) {
  const button = make("button", { type: "button", className: "decide-enlarge", title: "Enlarge" }, ...picture);
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => button.setAttribute("aria-pressed", String(!isLarge())));
  return [button];
}

const enlarging = () => element("shown").querySelector(".decide-enlarge, .decide-open-file");
const isLarge = () => enlarging()?.getAttribute("aria-pressed") === "true";

// the picture of a sound is what plays it, and stops it
function playerOf(place) {
  const sound = make("audio", { preload: "none", src: addressOf(given.sounds, pageSounds, place) });
  const line = make("span", { className: "decide-line" });
  const button = make("button", { type: "button", className: "decide-sound" }, ...pictureOf(place), line, sound);
  const draw = () => {
    button.setAttribute("aria-label", `${sound.paused ? "Play" : "Stop"} ${shortId(place)}`);
    button.classList.toggle("playing", !sound.paused);
    line.style.left = `${(100 * sound.currentTime) / (sound.duration || 1)}%`;
  };
  button.addEventListener("click", () => {
    if (sound.paused) sound.play().catch(() => {}); // the next came before it began, or the browser keeps silent
    else sound.pause();
  });
  for (const change of ["play", "pause", "timeupdate"]) sound.addEventListener(change, draw);
  sound.addEventListener("pause", () => (sound.currentTime = 0));
  draw();
  return button;
}

const playerShown = () => element("shown").querySelector(".decide-sound");

function playWhereAsked() {
  const [asked, player] = [element("play-each")?.checked, playerShown()];
  if (asked && player?.querySelector("audio").paused) player.click();
}

const mostUnusual = (far) => far.map((_, at) => at).sort((a, b) => far[b] - far[a] || a - b);
let unusualFirst = recall(COLUMNS_ORDER) !== "no";

// all columns of a row of a table, and beneath it those nearest to it
function tableOf(place) {
  const { columns, rows, unusual } = given.table;
  const far = unusual[place];
  const order = unusualFirst ? mostUnusual(far) : columns.map((_, at) => at);
  const rowOf = (name, cells, className = "") => make("tr", { className }, make("th", { scope: "row" }, ...name), ...order.map((at) => make("td", { textContent: cells[at], className: far[at] >= 3 ? "unusual" : "" })));
  const shorter = (part) => (typeof part === "string" ? part.replace("labelled ", "").toLowerCase() : part);
  const near = nearOf(place).flatMap(([title, places, said]) => places.map((one, at) => rows[one] && rowOf([...title().map(shorter), ...(said ? [": ", ...said(one, at)] : [])], rows[one])).filter(Boolean));
  const head = make("tr", {}, make("td"), ...order.map((at) => make("th", { scope: "col", textContent: columns[at] })));
  const body = make("tbody", {}, rowOf(["this: ", bold(labels[place])], rows[place], "this"), rowOf(["unusual"], far.map(String), "far"), ...near);
  const button = make("button", { type: "button", textContent: "Most unusual columns first" });
  button.setAttribute("aria-pressed", String(unusualFirst));
  button.addEventListener("click", () => {
    unusualFirst = !unusualFirst;
    remember(COLUMNS_ORDER, unusualFirst ? "yes" : "no");
    drawExample(place);
    element("shown").querySelector("button").focus();
  });
  const scroll = make("div", { className: "decide-scroll", tabIndex: 0 }, make("table", {}, make("thead", {}, head), body));
  scroll.setAttribute("role", "group");
  scroll.setAttribute("aria-label", `All ${columns.length} columns`);
  const said = `All ${columns.length} columns: scroll sideways. The rows beneath are the nearest of each label that is named, whatever is nearer. Unusual: standard deviations from the middle of its class; a category counts by how rare it is there.`;
  return make("div", { className: "decide-table" }, button, scroll, make("p", { className: "decide-faint", textContent: said }));
}

const isRow = (place) => given.table?.rows[place] !== undefined;

// what is seen, read or heard of an example; nothing where the page has nothing of it
function shownOf(place, small) {
  if (addressOf(given.sounds, pageSounds, place) !== undefined) return [playerOf(place)];
  if (isRow(place) && !small) return [tableOf(place)];
  return [...openedOf(place, small), ...textOf(place)];
}

function textOf(place) {
  const text = unfolded(given.texts, place);
  return text === undefined ? [] : [make("p", { className: "decide-text", dir: "auto", textContent: text })];
}

// in a line or two: where a row of a table is most unusual, or how a text begins
function briefOf(place) {
  if (!isRow(place)) return (unfolded(given.texts, place) ?? "").slice(0, BRIEF_LETTERS);
  const { columns, rows, unusual } = given.table;
  return mostUnusual(unusual[place]).slice(0, BRIEF_COLUMNS).map((at) => `${columns[at]}: ${rows[place][at]}`).join(", ");
}

function nameOf(place) {
  const [id, short] = [exampleOf(ids[place]), shortExample(ids[place])];
  const folder = make("span", { textContent: id.slice(0, id.length - short.length) });
  return [folder, make("wbr"), short, ...(isQuestion ? [" · ", make("bdi", { textContent: tagOf(ids[place]) })] : [])];
}

const bold = (label) => make("bdi", { textContent: className(label) });

function drawQuestion(place) {
  const [tag, tags] = [tagOf(ids[place]), unfolded(given.tags, place)];
  const mark = (one) => make(one === tag ? "strong" : "bdi", { textContent: one });
  element("question").replaceChildren(make("bdi", { textContent: tag }), ": is it there?");
  element("tags").replaceChildren(...(tags.length > 0 ? ["Its tags: ", ...tags.flatMap((one, at) => (at > 0 ? [", ", mark(one)] : [mark(one)]))] : ["It has no tags"]));
}

function drawLabels(place) {
  if (isQuestion) drawQuestion(place);
  const suggested = suggestedOf(place);
  element("label").textContent = className(labels[place]);
  element("suggestion").hidden = suggested < 0 || isFaint(place);
  element("suggested").textContent = className(suggested);
  element("keep-name").textContent = className(labels[place]);
  if (given.blind) return;
  element("take-name").textContent = suggested < 0 || isFaint(place) ? "the suggestion" : className(suggested);
  acts.take.disabled = suggested < 0;
}

function drawWhy(place) {
  const p = pWrongOf(place);
  const faint = isFaint(place);
  element("why").hidden = Number.isNaN(p) || faint;
  if (given.blind) return;
  element("faint").hidden = Number.isNaN(p) || !faint;
  if (Number.isNaN(p)) return;
  const kind = given.kinds[place];
  const [likely, reason] = [`wrong with a probability of ${p.toFixed(2)}`, [kind === "wrong label" ? "" : kind, given.reasons[place]].filter(Boolean).join(": ")];
  element("faint").textContent = [suggestedOf(place) < 0 ? "" : `suggested ${className(suggestedOf(place))}`, likely, reason].filter(Boolean).join("; ");
  element("p").textContent = likely;
  element("meter").value = p;
  element("reason").textContent = reason;
}

function drawSo(place) {
  const decision = decisionOn(place);
  for (const [name, button] of Object.entries(acts)) {
    if (["keep", "take", "drop", "unsure", ...STATES].includes(name)) button.setAttribute("aria-pressed", String(isChosen(name, decision, place)));
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
  if (STATES.includes(name)) return !["drop", "unsure"].includes(decision.action) && decision.label === STATES.indexOf(name);
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

function neighbours(title, places, said) {
  const shown = places.map((place, at) => {
    const example = shownOf(place, true);
    const note = said ? [make("p", { className: "decide-faint" }, ...said(place, at))] : [];
    return make("li", {}, ...(example.length > 0 ? example : [shortId(place)]), ...note);
  });
  return make("div", {}, make("h4", {}, ...title()), make("ul", {}, ...shown));
}

// of the label and of the class suggested, what pulls there and by how much, and the label that alone decides it
function nearOf(place) {
  const [own, others, pulling = [], mend = [], sizes = [], [to] = []] = given.near?.[place] ?? [[], []];
  const ofTag = (label) => [`Nearest ${label ? "with" : "without"} `, make("bdi", { textContent: tagOf(ids[place]) })];
  const nearest = (label) => () => (isQuestion ? ofTag(label) : ["Nearest labelled ", bold(label)]);
  const near = [[nearest(labels[place]), own], [nearest(suggestedOf(place)), others]];
  const labelled = (one, ...more) => ["labelled ", bold(labels[one]), ...more];
  const pulls = [() => ["Pulls it to ", bold(suggestedOf(place))], pulling, (one, at) => labelled(one, `: its log odds would be ${sizes[at].toFixed(2)} less without`)];
  return [...near, pulls, [() => ["It would be right if this label were ", bold(to)], mend, (one) => labelled(one)]].filter(([, places]) => places.length > 0);
}

function drawNear(place) {
  const near = isRow(place) ? [] : nearOf(place);
  element("near").hidden = near.length === 0;
  element("near").replaceChildren(...near.map((group) => neighbours(...group)));
}

function drawExample(place) {
  const held = ["shown", "near"].some((name) => element(name).contains(document.activeElement)); // what goes takes the focus along
  element("name").replaceChildren(...nameOf(place));
  const shown = shownOf(place);
  element("shown").replaceChildren(...(shown.length > 0 ? shown : [make("p", { className: "decide-text", textContent: ids[place] })]));
  drawLabels(place);
  drawWhy(place);
  drawSo(place);
  drawCopies(place);
  drawNear(place);
  element("course").replaceChildren(...courseOf(place));
  if (held) element("name").focus({ preventScroll: true });
}
