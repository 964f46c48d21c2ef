// Columns of codes become numbers.

function bytesOf(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

// codes are little-endian, as every machine that runs a browser is
function codesOf(column) {
  const bytes = bytesOf(column.codes);
  if (column.bits === 8) return bytes;
  return column.bits === 16 ? new Uint16Array(bytes.buffer) : new Uint32Array(bytes.buffer);
}

function numbersOf(column) {
  const codes = codesOf(column);
  const none = 2 ** column.bits - 1;
  const numbers = new Float64Array(codes.length);
  for (let i = 0; i < codes.length; i++) {
    if (codes[i] === none) numbers[i] = NaN;
    else numbers[i] = column.levels ? column.levels[codes[i]] : column.low + codes[i] * column.step;
  }
  return numbers;
}

function indicesOf(column) {
  const none = 2 ** column.bits - 1;
  return Int32Array.from(codesOf(column), (code) => (code === none ? -1 : code));
}

// a value that stands elsewhere as well is the place of that
const unfolded = (values, at) => (typeof values?.[at] === "number" ? values[values[at]] : values?.[at]);

function once(make) {
  let made;
  return () => (made === undefined ? (made = make()) : made);
}
