"""Content of files, altered: as bytes, or so that it stays of its format. One mutator a format."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from easiness.data.tables.text_files import SEPARATORS
from easiness.spec import Recipe

Altered: TypeAlias = tuple[bytes, str]
Mutator: TypeAlias = Callable[[np.random.Generator, bytes], Altered]
_Place: TypeAlias = tuple[Any, ...]

_SHORT = "0|a\nb|a\r|\x1b[2J|\x00|=1+1| =1|'=1|\u202eabc|$\\frac{$|界|é|<b>|NaN|NULL|TRUE|CON|.|../..|٣|²|"
TEXTS = ("", " ", *_SHORT.split("|"), "\ufeff", "/dev/zero", '"', "x" * 3000, "x" * 200_000)
TEXTS += ("-1", "1_0", "0x10", "1,5", "1.5", "2.0", "007")
"""What a person may call something, or write into a cell."""
_NUMBERS = (
    b"-1",
    b"0",
    b"1e999",
    b"NaN",
    b"9" * 19,
    b"9" * 400,
    b"%d" % 2**31,
    b"%d" % 2**63,
    b"-%d" % 2**64,
)
CELLS = (*TEXTS, *(one.decode() for one in _NUMBERS))
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**63, 10**30, 0.5, -0.0, 1e308, float("nan"), float("inf")),
    *("\ud800", [], {}, [[]], [None], {"": {}}, [0] * 1000, {"a": 1, "b": [1, 2]}),
    *(TEXTS[at] for at in range(0, len(TEXTS), 3)),
)
"""Values of JSON that may stand where another was."""
_TOML = ("inf", "nan", "-0.0", "0x" + "f" * 4000, "[" * 500, '"\\u0000"', "{}", "1979-05-27")
_ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252", "utf-7")
_TYPES = (pa.int8(), pa.uint64(), pa.float16(), pa.float64(), pa.string(), pa.binary(), pa.bool_())
_CELLS: tuple[Any, ...] = (
    *(-1, 0, 2, 100, 2**31 - 1, -(2**31), 2**62, True, False, "", "=1+1", "a\nb", "x" * 5000),
    *(float("nan"), float("inf"), float("-inf"), -1.0, 1e38, 1e-45, 1e300),
)
_MOST = 12  # the logarithm of the bytes that one alteration takes out or puts in


def generator(seed: int, case: int) -> np.random.Generator:
    """The random numbers of one case alone, whatever cases ran before it."""
    return np.random.default_rng(np.random.SeedSequence((seed, case)))


def one_of(rng: np.random.Generator, among: Sequence[Any]) -> Any:
    return among[int(rng.integers(len(among)))]


def altered_bytes(rng: np.random.Generator, content: bytes) -> Altered:
    """As on a bad disk, in a bad copy, or in bad hands: now and then in several places."""
    hows = []
    for _ in range(int(rng.choice((1, 1, 1, 2, 4)))):
        hows.append(str(one_of(rng, _OF_BYTES)))
        content = _spliced(rng, content, hows[-1]) if content else rng.bytes(8)
    return content, "+".join(hows)


_OF_BYTES = ("flip", "overwrite", "truncate", "insert", "zero", "double", "cut", "swap", "renumber")


def _spliced(rng: np.random.Generator, content: bytes, how: str) -> bytes:
    """The content with another part in place of one of its own, short more often than long."""
    first = int(rng.integers(0, len(content)))
    num = int(2 ** rng.uniform(0, _MOST))
    if how == "renumber" and (found := [*re.finditer(rb"-?[0-9]+", content)]):
        first, end = one_of(rng, found).span()
        num = end - first
    elif how == "truncate":
        first, num = (first, len(content)) if rng.random() < 0.8 else (0, first + 1)
    elif how == "swap":
        num = int(rng.integers(1, len(content) + 1))
    elif how not in ("insert", "zero", "double", "cut"):
        num = int(rng.choice((1, 1, 2, 4, 8)))
    old, middle = content[first : first + num], num // 2
    bits = rng.integers(0, 8, len(old))
    new = {
        "flip": bytes(byte ^ 1 << int(bit) for byte, bit in zip(old, bits, strict=True)),
        "overwrite": one_of(rng, (b"\xff" * num, b"\x7f" * num, b"\x80" + bytes(num - 1), rng.bytes(num))),
        "insert": one_of(rng, (rng.bytes(num), bytes(num))) + old,
        "zero": bytes(len(old)),
        "double": old * 2,
        "swap": old[middle:] + old[:middle],
        "renumber": one_of(rng, _NUMBERS),
    }
    return content[:first] + new.get(how, b"") + content[first + num :]


def _head(num: int) -> Mutator:
    """Other bytes where most can go wrong."""

    def alter(rng: np.random.Generator, content: bytes) -> Altered:
        head, how = altered_bytes(rng, content[:num])
        return head + content[num:], f"head: {how}"

    return alter


def places(value: Any, at: _Place = ()) -> Iterator[_Place]:
    """Where in a JSON value something stands, as keys and indices from the top; but the top itself."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*at, key)
        yield from places(inner, (*at, key))


def altered_value(rng: np.random.Generator, value: Any) -> tuple[Any, str]:
    """A copy of a JSON value with one to three alterations, and where they are."""
    value = json.loads(json.dumps(value))
    where = []
    for _ in range(int(rng.choice((1, 1, 1, 2, 3)))):
        found = list(places(value))
        if not found:
            return one_of(rng, VALUES), "top"
        *path, key = one_of(rng, found)
        holder = value
        for step in path:
            holder = holder[step]
        kind = str(rng.choice(("other", "other", "other", "drop", "more", "rename", "nest", "near")))
        where.append(f"{'/'.join(map(str, (*path, key)))} {kind}"[:200])
        name = key if isinstance(holder, list) else str(rng.choice((f"{key}_", one_of(rng, TEXTS))))
        if kind == "more" and isinstance(holder, list):
            holder.insert(key, holder[key])
        elif kind == "more":
            holder[name] = holder[key]
        elif kind == "nest":
            for _ in range(int(rng.choice((1, 50)))):
                holder[key] = [holder[key]]
        elif kind == "drop" or (kind == "rename" and isinstance(holder, list)):
            del holder[key]
        elif kind == "rename":
            holder[name] = holder.pop(key)
        else:
            holder[key] = _near(rng, holder[key]) if kind == "near" else one_of(rng, VALUES)
            holder[key] = json.loads(json.dumps(holder[key]))
    return value, ", ".join(where)


def _near(rng: np.random.Generator, value: Any) -> Any:
    """Of the same type, so that a look at types alone lets it pass."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        return one_of(rng, (value + 1, value - 1, -value, value * 2, 10**9, 2**40))
    if isinstance(value, str):
        return one_of(rng, (value + "x", value[:-1], value.upper(), "\u202e" + value, value * 2))
    if isinstance(value, list):
        return one_of(rng, (value[:-1], value * 2, value[::-1], value[:1] * 300))
    return dict(list(value.items())[:-1])


def json_text(rng: np.random.Generator, value: Any) -> bytes:
    """The value as a file, sometimes with a key said twice or nested without end."""
    text = json.dumps(value, indent=int(rng.integers(0, 2)))
    if rng.random() < 0.05 and text.startswith("{"):
        text = '{"format": 1, ' + text[1:]
    if rng.random() < 0.03:
        text = text.replace("{", '{"a":' * int(rng.choice((1, 1000, 100_000))), 1)
    return text.encode(errors="surrogatepass")


def _json(rng: np.random.Generator, content: bytes) -> Altered:
    value, how = altered_value(rng, json.loads(content))
    return json_text(rng, value), how


def _json_lines(rng: np.random.Generator, content: bytes) -> Altered:
    lines = content.splitlines()
    at = int(rng.integers(len(lines)))
    text, how = _json(rng, lines[at])
    lines[at] = text.replace(b"\n", b" ")
    return b"\n".join([*lines, b""]), f"line {at}: {how}"


def _safetensors(rng: np.random.Generator, content: bytes) -> Altered:
    """A header that says something else than was written."""
    (num,) = struct.unpack("<Q", content[:8])
    text, how = _json(rng, content[8 : 8 + num])
    length = len(text) if rng.random() < 0.8 else int(rng.choice([0, 1, 2**31, 2**62, len(text) - 1]))
    return struct.pack("<Q", length) + text + content[8 + num :], f"header: {how}, said to be {length}"


def _npz(rng: np.random.Generator, content: bytes) -> Altered:
    """A member altered, and all packed again."""
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        members = {name: zipped.read(name) for name in zipped.namelist()}
    name = str(rng.choice(list(members)))
    members[name], how = (_head(128) if rng.random() < 0.7 else altered_bytes)(rng, members[name])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", int(rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))) as zipped:
        for one, inner in members.items():
            zipped.writestr(one, inner)
    return packed.getvalue(), f"{name}: {how}"


def _gzip(rng: np.random.Generator, content: bytes) -> Altered:
    inner, how = _csv(rng, gzip.decompress(content))
    return gzip.compress(inner), f"unpacked: {how}"


def _png(rng: np.random.Generator, content: bytes) -> Altered:
    """Another size or depth in the first chunk, with the checksum that fits."""
    chunk = bytearray(content[12:29])
    chunk[4 + int(rng.integers(13))] = int(rng.choice((0, 1, 3, 8, 16, 127, 255)))
    return content[:12] + chunk + struct.pack(">I", zlib.crc32(chunk)) + content[33:], f"header {chunk[4:]!r}"


def _csv(rng: np.random.Generator, content: bytes) -> Altered:
    """Other cells, another separator or encoding."""
    rows = [line.split(",") for line in content.decode().splitlines()]
    cells = [str(one_of(rng, CELLS)) for _ in range(int(rng.choice([0, 1, 1, 3])))]
    for cell in cells:
        row = one_of(rng, rows)
        row[rng.integers(len(row))] = cell
    separator, encoding = str(rng.choice([*SEPARATORS, ","])), str(rng.choice(_ENCODINGS))
    text = "\n".join(map(separator.join, rows))
    return text.encode(encoding, "replace"), f"cells {[one[:20] for one in cells]}, {separator!r}, {encoding}"


def _toml(rng: np.random.Generator, content: bytes) -> Altered:
    """A setting more, or another one alone."""
    field = str(rng.choice([*Recipe.model_fields, "base", "mlp", "mlp.alpha"]))
    value = str(one_of(rng, (*_TOML, *(one.decode() for one in _NUMBERS))))
    return f"{field} = {value}\n".encode() + one_of(rng, (b"", content)), f"{field} = {value[:20]}"


def _parquet(rng: np.random.Generator, content: bytes) -> Altered:
    """The same table but for an alteration or two, or with other groups of rows."""
    with pq.ParquetFile(io.BytesIO(content)) as file:
        table, num = file.read(), file.metadata.row_group(0).num_rows
    hows = []
    for _ in range(int(rng.choice((1, 1, 2)))):
        hows.append(str(one_of(rng, _OF_TABLES)))
        table = _altered_table(rng, table, hows[-1]) if table.num_columns else table
    group = num if rng.random() < 0.7 else int(rng.choice((1, num - 1, num + 1, 2 * num)))
    written = io.BytesIO()
    codec = str(rng.choice(["zstd", "none", "snappy"]))
    pq.write_table(table, written, row_group_size=max(group, 1), compression=codec)
    return written.getvalue(), "+".join([*hows, f"groups of {group}"])


_OF_TABLES = ("drop", "rename", "type", "nest", "nulls", "values", "values", "values", "rows", "about")


def _altered_table(rng: np.random.Generator, table: pa.Table, how: str) -> pa.Table:
    at, rows, names = int(rng.integers(table.num_columns)), np.arange(len(table)), list(table.column_names)
    column, values = table.column(at), table.column(at).to_pylist()
    if how == "drop":
        return table.remove_column(at)
    if how == "rename":
        names[at] = str(rng.choice(["x", names[0], names[-1], "", "a\nb"]))
        return table.rename_columns(names)
    if how == "rows":
        fewer, half = rows[:-1], rows[: len(rows) // 2]
        kinds = (fewer, half, rows[:0], np.repeat(rows, 2), rows[::-1], rng.permutation(rows))
        return table.take(pa.array(one_of(rng, kinds)))
    about = (table.schema.metadata or {}).get(b"huggingface")
    if how == "about" and about:
        text, _ = (b"[" * 10**5, "") if rng.random() < 0.05 else _json(rng, about)
        return table.replace_schema_metadata({"huggingface": text})
    if how == "type":
        kind = one_of(rng, _TYPES)
        try:
            made = column.cast(kind, safe=False)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            made = pa.nulls(len(table), kind)
    elif how == "nest":
        made = pa.array(one_of(rng, ([[v] for v in values], [{"a": v} for v in values], [[]] * len(values))))
    else:  # one value, or all of a column, by one that its type allows and its meaning does not
        some = set(rows.tolist() if rng.random() < 0.5 else rng.permutation(rows)[:1].tolist())
        for other in [None] if how == "nulls" else [_CELLS[place] for place in rng.permutation(len(_CELLS))]:
            value = [other] * len(values[0]) if values and isinstance(values[0], list) else other
            with contextlib.suppress(pa.ArrowException, OverflowError, TypeError, ValueError):
                made = pa.array(
                    [value if row in some else old for row, old in enumerate(values)], column.type
                )
                return table.set_column(at, names[at], made)
        return table
    return table.set_column(at, names[at], made)


FORMATS: dict[str, Mutator] = {
    **{".json": _json, ".jsonl": _json_lines, ".toml": _toml, ".csv": _csv},
    **{".parquet": _parquet, ".safetensors": _safetensors, ".npz": _npz, ".npy": _head(128), ".png": _png},
    **{".gz": _gzip, ".wav": _head(44), ".bmp": _head(54)},
    **{".gif": _head(13), ".aiff": _head(54), ".flac": _head(42), ".note": _head(128)},
}
"""By the ending of a file, or by its name where it has none; others are altered as bytes alone."""


def altered(rng: np.random.Generator, content: bytes, name: str) -> Altered:
    """Content of a file of this name: as bytes, or so that it stays of its format."""
    own = FORMATS.get(name[name.rfind(".") :])
    return own(rng, content) if own and content and rng.random() < 0.6 else altered_bytes(rng, content)
