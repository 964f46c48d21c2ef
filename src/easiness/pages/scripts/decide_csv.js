// CSV as the program writes and reads it: quotes, and cells that no spreadsheet takes for a formula.

const NUMBER = /^[+-](\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const UNSEEN = /^[\x00-\x20\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]+/;
const isFormula = (text) => {
  const bare = text.replace(/^'+/, "");
  const seen = bare.replace(UNSEEN, "");
  return /^[\t\r\n]/.test(bare) || (/^[=+\-@\uff1d\uff0b\uff0d\uff20]/.test(seen) && !NUMBER.test(seen));
};
const toCell = (text) => (isFormula(text) ? `'${text}` : text);
const fromCell = (cell) => (isFormula(cell) && cell.startsWith("'") ? cell.slice(1) : cell);

const quoted = (text) => (/[",;\t\r\n]/.test(text) || text.trim() !== text ? `"${text.replaceAll('"', '""')}"` : text);
const csvText = (rows) => rows.map((cells) => cells.map((cell) => quoted(toCell(cell))).join(",") + "\n").join("");

// the rows of a text, each a list of cells; null where quotes do not end
function csvRows(text, separator) {
  const rows = [];
  let [row, cell, inQuotes] = [[], "", false];
  const endCell = () => {
    row.push(cell);
    cell = "";
  };
  const endRow = () => {
    endCell();
    rows.push(row);
    row = [];
  };
  for (let i = 0; i < text.length; i++) {
    const [sign, next] = [text[i], text[i + 1]];
    if (inQuotes && sign === '"' && next === '"') {
      cell += sign;
      i += 1;
    } else if (sign === '"' && (inQuotes || cell === "")) inQuotes = !inQuotes;
    else if (inQuotes) cell += sign;
    else if (sign === separator) endCell();
    else if (sign === "\n" || sign === "\r") {
      if (sign === "\r" && next === "\n") i += 1;
      endRow();
    } else cell += sign;
  }
  if (cell !== "" || row.length > 0) endRow();
  return inQuotes ? null : rows;
}

// by the separator that the first line has most of, a comma where none
function parsedCsv(text) {
  const [first] = text.split("\n", 1);
  const most = [",", ";", "\t"].map((sign) => [first.split(sign).length, sign]).reduce((a, b) => (b[0] > a[0] ? b : a));
  return csvRows(text.replace(/^\ufeff/, ""), most[1]);
}
