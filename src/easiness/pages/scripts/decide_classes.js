// Another class: typing narrows a list. A combobox as the ARIA practices have it.

const field = element("class");
const found = element("classes");
const MOST_SHOWN = 50;
const lowerClasses = classes.map((name) => name.toLowerCase());
let active = -1;

// those that begin with what was typed, then those that have it somewhere
function matching(typed) {
  const asked = typed.trim().toLowerCase();
  const some = classes.map((_, label) => label).filter((label) => lowerClasses[label].includes(asked));
  const begins = (label) => (lowerClasses[label].startsWith(asked) ? 0 : 1);
  return asked === "" ? some : some.sort((a, b) => begins(a) - begins(b) || lowerClasses[a].length - lowerClasses[b].length || a - b);
}

function openClasses() {
  const labelsFound = matching(field.value);
  const options = labelsFound.slice(0, MOST_SHOWN).map((label, at) => {
    const option = make("li", { id: `decide-class-${at}`, role: "option", dir: "auto", textContent: className(label) });
    option.dataset.label = label;
    if (label === labels[current]) option.append(make("span", { textContent: " (its label)" }));
    return option;
  });
  const more = labelsFound.length - options.length;
  if (more > 0) options.push(make("li", { role: "presentation", className: "decide-more", textContent: `${counted(more)} more: type a part of the name` }));
  if (labelsFound.length === 0) options.push(make("li", { role: "presentation", className: "decide-more", textContent: "No class has that in its name" }));
  found.replaceChildren(...options);
  found.hidden = false;
  field.setAttribute("aria-expanded", "true");
  activate(field.value.trim() !== "" && labelsFound.length > 0 ? 0 : -1);
}

function closeClasses() {
  found.hidden = true;
  field.setAttribute("aria-expanded", "false");
  activate(-1);
}

function activate(index) {
  const options = found.querySelectorAll("[role=option]");
  options[active]?.setAttribute("aria-selected", "false");
  active = index;
  const option = options[active];
  if (option === undefined) {
    field.removeAttribute("aria-activedescendant");
    return;
  }
  option.setAttribute("aria-selected", "true");
  field.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

function choose(option) {
  const label = Number(option.dataset.label);
  closeClasses();
  field.value = "";
  judge(label);
  focusOn("name");
}

field.addEventListener("input", openClasses);
field.addEventListener("focus", openClasses);
field.addEventListener("blur", closeClasses);
field.addEventListener("keydown", (event) => {
  const options = found.querySelectorAll("[role=option]");
  const last = options.length - 1;
  const to = { ArrowDown: active < last ? active + 1 : 0, ArrowUp: active > 0 ? active - 1 : last }[event.key];
  if (to !== undefined) {
    if (found.hidden) openClasses();
    else activate(to);
  } else if (event.key === "Enter" && options[active] !== undefined && !found.hidden) choose(options[active]);
  else if (event.key === "Escape") {
    field.value = "";
    closeClasses();
    focusOn("name");
  } else return;
  event.preventDefault();
  event.stopPropagation();
});
// the field keeps the focus until the choice is made
found.addEventListener("pointerdown", (event) => event.preventDefault());
found.addEventListener("click", (event) => {
  const option = event.target.closest("[role=option]");
  if (option !== null) choose(option);
});
