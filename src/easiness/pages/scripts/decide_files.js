// The file of decisions: written as `easiness` reads it, and read back; a file of other labels is refused, and nothing of it is taken.

const OF_ONE = isQuestion ? ["id", "tag"] : ["id"]; // say of what a row is
const COLUMNS = [...OF_ONE, "label", "class", "was", "action", "by", "time", "split", "data"];
const OTHERS = given.others ?? []; // columns that the list came with

function rowFor(split, id, was, decision, others) {
  const label = decision?.label ?? was;
  const named = [...(isQuestion ? [exampleOf(id), tagOf(id)] : [id]), String(label), className(label), was === undefined ? "" : String(was), decision?.action ?? ""];
  return [...named, decision?.by ?? "", decision?.time ?? "", split, given.data, ...OTHERS.map((_, at) => others?.[at] ?? "")];
}

// decisions on examples that are not listed; a file gets back its own rows alone, as an audit takes none that it has not drawn
const unlisted = () => (given.whole ? [] : [...decisions].filter(([key]) => !(placeOf.get(key) < num)));

function decisionsCsv() {
  const rows = [[...COLUMNS, ...OTHERS]];
  for (let place = 0; place < num; place++) {
    const key = keyOf(splitOf(place), ids[place]);
    const decision = decisions.get(key);
    if (decision !== undefined || given.whole) rows.push(rowFor(splitOf(place), ids[place], labels[place], decision, given.cells?.[place]));
  }
  for (const [key, decision] of unlisted()) {
    const [split] = key.split("/", 1);
    rows.push(rowFor(split, key.slice(split.length + 1), decision.cells?.was, decision, decision.cells?.others));
  }
  return csvText(rows);
}

function save() {
  const link = make("a", { href: URL.createObjectURL(new Blob([decisionsCsv()], { type: "text/csv" })), download: given.file });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  unsaved = false;
  const number = unlisted().length + ids.slice(0, num).filter((_, place) => decisionOn(place) !== undefined).length;
  const over = given.whole ? "Put it in place of the one that this page was made of; " : "";
  note(`Saved ${counted(number)} ${number === 1 ? "decision" : "decisions"} as ${given.file}. ${over}`, ...command(partOf(current)));
}

class Refused extends Error {}

const version = (name) => name.slice(name.lastIndexOf("@") + 1);
const byName = new Map(classes.map((name, label) => [name, label]));

// labels that a text can mean: the class of that name, before the index
function meant(text) {
  const [bare] = [text.trim()];
  const index = /^\d+(\.0+)?$/.test(bare) && Number(bare) < classes.length ? [Number(bare)] : [];
  return [...new Set([byName.get(text) ?? byName.get(bare), ...index])].filter((label) => label !== undefined);
}

function labelIn(cells, own, where) {
  const labelsMeant = meant(cells.label);
  const named = cells.class.trim() === "" ? [] : meant(cells.class).slice(0, 1);
  if (labelsMeant.length === 0) throw new Refused(`${where}: the label ${JSON.stringify(cells.label)} is no class of this page; give the file of this run`);
  if (cells.class.trim() === "") return labelsMeant[0];
  if (named.length > 0 && labelsMeant.includes(named[0])) return named[0];
  if (own !== undefined && named[0] === own) return labelsMeant[0]; // only one of the two was edited
  if (own !== undefined && labelsMeant.includes(own) && named.length > 0) return named[0];
  throw new Refused(`${where}: the label ${cells.label} is the class ${className(labelsMeant[0])}, but the column class says ${cells.class}; correct one of them`);
}

function decisionIn(cells, where) {
  const split = cells.split.trim() || "train";
  if (!SPLITS.includes(split)) throw new Refused(`${where}: the split ${split} is unknown; write train or held_out`);
  const made = cells.data.trim();
  if (made !== "" && version(made) !== version(given.data)) throw new Refused(`${where}: is of ${made}, and this page is of ${given.data}; give the file of this run`);
  const idIn = (trimmed) => OF_ONE.map((name) => (trimmed ? cells[name].trim() : cells[name])).join("#");
  const key = [false, true].map((trimmed) => keyOf(split, idIn(trimmed))).find((one) => placeOf.has(one)) ?? keyOf(split, idIn(false));
  const own = placeOf.has(key) ? labels[placeOf.get(key)] : undefined;
  if (own !== undefined && cells.was.trim() !== "" && !meant(cells.was).includes(own)) {
    throw new Refused(`${where}: the example ${cells.id} was ${cells.was} when the file was made, and is ${className(own)} on this page (${given.data}); give the file of this run`);
  }
  if (own === undefined && made === "") throw new Refused(`${where}: the example ${cells.id} is not on this page, and no column data says of what it is; give the file of this run`);
  const asked = cells.action.trim().toLowerCase();
  if (asked !== "" && !ACTIONS.includes(asked)) throw new Refused(`${where}: the action ${cells.action} is unknown; write ${ACTIONS.join(", ")}, or nothing`);
  const labelsWas = own === undefined ? meant(cells.was) : [own];
  const index = labelsWas.at(-1); // as pages write it; a class may be called by the index of another
  const label = asked === "drop" ? index ?? 0 : labelIn(cells, index, where);
  const was = asked !== "relabel" && labelsWas.includes(label) ? label : index;
  if ((asked === "keep" || asked === "unsure") && was !== undefined && label !== was) throw new Refused(`${where}: the action is ${asked}, but the label is another than it was; write relabel`);
  const action = asked || (was !== undefined && label !== was ? "relabel" : "");
  if (action === "") return null;
  const kept = own === undefined ? { was } : undefined;
  return [key, { action, label, by: cells.by.trim(), time: cells.time.trim(), cells: kept }];
}

function decisionsIn(name, text) {
  const rows = parsedCsv(text);
  if (rows === null) throw new Refused(`${name}: is not CSV, a quote does not end; give the file as it was saved`);
  const header = (rows[0] ?? []).map((cell) => fromCell(cell).trim());
  for (const column of [...OF_ONE, "label"]) {
    if (!header.includes(column)) throw new Refused(`${name}: has no column ${column}; give a file of decisions, as this page saves it`);
  }
  const found = new Map();
  rows.slice(1).forEach((row, at) => {
    if (row.every((cell) => cell === "")) return;
    const cells = Object.fromEntries(COLUMNS.map((column) => [column, fromCell(row[header.indexOf(column)] ?? "")]));
    const where = `${name}: row ${at + 2}`;
    const decision = decisionIn(cells, where);
    if (decision === null) return;
    if (found.has(decision[0])) throw new Refused(`${where}: the id ${cells.id} stands there twice; keep one of its rows`);
    found.set(...decision);
  });
  return found;
}

// of two decisions on one example the later one
function take(name, text) {
  let [taken, older, nobodys] = [0, 0, 0];
  for (const [key, decision] of decisionsIn(name, text)) {
    if (decision.action === "keep" && decision.by === "" && decision.time === "") {
      nobodys += 1; // as a rule writes what nobody looked at
      continue;
    }
    const ours = decisions.get(key);
    if (ours !== undefined && instant(ours) >= instant(decision)) {
      older += 1;
      continue;
    }
    decideOn(key, decision);
    taken += 1;
  }
  const rest = nobodys > 0 ? `, and left ${counted(nobodys)} that ${nobodys === 1 ? "says" : "say"} keep without who or when` : "";
  const kept = older > 0 ? `, and left ${counted(older)} that ${older === 1 ? "is" : "are"} no later than what was decided here` : "";
  return `Took ${counted(taken)} ${taken === 1 ? "decision" : "decisions"} from ${name}${kept}${rest}.`;
}

async function read(file) {
  open();
  try {
    note(take(file.name, new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer())));
  } catch (error) {
    if (!(error instanceof Refused || error instanceof TypeError || error instanceof DOMException)) throw error;
    note(error instanceof Refused ? error.message : `${file.name}: cannot be read as UTF-8; give the file as it was saved`);
  }
  if (!element("one").hidden) show(current);
}

element("save").addEventListener("click", save);
element("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file !== undefined) read(file);
  event.target.value = "";
});
addEventListener("dragover", (event) => {
  if (event.dataTransfer.types.includes("Files")) event.preventDefault();
});
addEventListener("drop", (event) => {
  const [file] = event.dataTransfer.files;
  if (file === undefined) return;
  event.preventDefault();
  read(file);
});
