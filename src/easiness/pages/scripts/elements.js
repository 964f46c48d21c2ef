// Elements and numbers in words. Text stays text.

const SVG = "http://www.w3.org/2000/svg";

function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function shape(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function shortNumber(value, digits = 3) {
  if (!Number.isFinite(value)) return "–";
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 1000 ? value.toFixed(0) : value.toFixed(digits);
}

const counted = (number) => number.toLocaleString("en");

// addresses of what the page shows in any case, by the id of the training example
const elsewhere = (tag) => once(() => {
  const found = new Map();
  for (const shown of document.querySelectorAll(`${tag}[data-example]`)) found.set(shown.dataset.example, shown.src);
  return found;
});
