// The view: opened and closed, and which of its panels is seen.

const dialog = document.getElementById("decide");
const PANELS = { begin: "begin-title", one: "name", done: "done-title", list: "list-title" };
const openers = document.querySelectorAll("[data-decide-open]");

function panel(name) {
  for (const one of Object.keys(PANELS)) element(one).hidden = one !== name;
  element("show-list").setAttribute("aria-expanded", String(name === "list"));
  element("help").setAttribute("aria-expanded", String(name === "begin"));
  element(PANELS[name]).focus();
}

let began = false; // has somebody seen an example?

function begin() {
  panel("begin");
  focusOn("by");
}

function start() {
  const by = element("by").value.trim();
  remember(NAME, by);
  began = true;
  enter(current);
  if (element("one").hidden) return;
  panel("one");
  speak(described(current));
  playWhereAsked();
}

function open() {
  if (dialog.open) return;
  dialog.showModal();
  if (recall(NAME) === null && !refused) begin();
  else start();
}

function back() {
  show(current);
  panel("one");
}

const toggles = { "show-list": ["list", openList], help: ["begin", begin] };
for (const [name, [shown, openIt]] of Object.entries(toggles)) element(name).addEventListener("click", () => (element(shown).hidden ? openIt() : back()));

element("start").addEventListener("click", start);
element("done-save").addEventListener("click", save);
element("done-more").addEventListener("click", () => goOn("", true));
element("done-back").addEventListener("click", back);
element("by").addEventListener("keydown", (event) => {
  if (event.key === "Enter") start();
});
element("by").addEventListener("change", (event) => remember(NAME, event.target.value.trim()));
element("close").addEventListener("click", () => dialog.close());
element("note-close").addEventListener("click", () => {
  note();
  focusOn(Object.entries(PANELS).find(([name]) => !element(name).hidden)[1]);
});
for (const one of openers) one.addEventListener("click", open);

const sayHowMany = () => {
  for (const said of document.querySelectorAll("[data-decide-so-far]")) said.textContent = tally.decided > 0 ? `, ${counted(tally.decided)} decided so far` : "";
};
dialog.addEventListener("close", sayHowMany);
dialog.addEventListener("close", () => playerShown()?.querySelector("audio").pause());

const isTyping = (target) => target.matches("input:not([type=checkbox]), textarea");

// help and the list are left for the example that they stand before
const isBefore = () => began && !(element("begin").hidden && element("list").hidden);
const AT_END = ["b", "n"];

// wherever the focus is: what had it may be gone
document.addEventListener("keydown", (event) => {
  if (!dialog.open) return;
  if (event.key === "Escape" && (isLarge() || isBefore())) {
    event.preventDefault();
    if (isLarge()) enlarging().click();
    else back();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
  if (!element("use-keys").checked && event.key.length === 1) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const button = { l: "show-list", w: "save", "?": "help" }[key];
  if (button !== undefined) element(button).click();
  else if (event.target.matches("select")) return; // which has keys of its own
  else if (element("one").hidden && (element("done").hidden || !AT_END.includes(key))) return;
  else if (key === "c") field.focus();
  else if (key === " " && (playerShown() === null || event.target.closest("button, select"))) return;
  else if (KEYS[key] !== undefined && !(event.repeat && event.key.length === 1)) DOES[KEYS[key]]();
  else return;
  event.preventDefault();
});

element("part").replaceChildren(...parts.map((part, at) => make("option", { value: String(at), textContent: part.name })));
element("which").hidden = parts.length < 2;
element("by").value = recall(NAME) ?? "";
const playEach = element("play-each");
if (playEach !== null) {
  playEach.checked = recall(PLAY_EACH) !== "no";
  playEach.addEventListener("change", () => remember(PLAY_EACH, playEach.checked ? "yes" : "no"));
}
readAll();
sayHowMany();
for (const shown of document.querySelectorAll("[data-decide-shown]")) shown.hidden = false;
