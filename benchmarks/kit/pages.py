"""A page of results: small tables on it, whole ones as CSV files in the folder of its name."""

from __future__ import annotations

import csv
import re
import string

NUMBER = re.compile(r"[-+−]?\d[\d,.]*")


class Cells(string.Formatter):
    """Formats values by their names; what is not there, or is no number, is an empty cell."""

    def get_value(self, key, args, kwargs):
        return kwargs.get(key) if isinstance(key, str) else args[key]

    def format_field(self, value, format_spec):
        return "" if value is None or value != value else format(value, format_spec)


def table(columns, records):
    """Header and rows from the format of the cells of each column, as ``{"wrong": "{wrong:.1%}"}``."""
    cells = Cells()
    return tuple(columns), [tuple(cells.format(one, **of) for one in columns.values()) for of in records]


def part(header, rows, names):
    """These columns of a table, as header and rows."""
    at = [list(header).index(name) for name in names]
    return list(names), [[row[one] for one in at] for row in rows]


def labels_text(kind, rate):
    """How labels were made wrong: ``uniform 20%``, or ``clean``."""
    return f"{kind} {rate:.0%}" if rate else kind


def markdown(header, rows):
    rows = [[str(cell) for cell in row] for row in rows]
    columns = zip(header, *rows, strict=True)
    numbers = [all(NUMBER.match(cell.strip("*")) or not cell for cell in cells) for _, *cells in columns]
    line = ["---:" if number else "---" for number in numbers]
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, line, *rows])


def write_page(path, text, tables):
    """Write a page of Markdown, and whole tables by the names of their files beside it, which it links."""
    links = []
    for name, (header, rows) in tables.items():
        write_table(path.with_suffix("") / f"{name}.csv", header, rows)
        links.append(f"[{name}]({path.stem}/{name}.csv)")
    path.write_text(f"{text.rstrip()}\n\nAll numbers: {', '.join(links)}.\n", encoding="utf-8")


def whole(text):
    """The tables of a text in Markdown, one below the other, as header and rows.

    Each line begins with the title of its table. The first one of a table has the names of its columns, and
    what the text says of it comes before.
    """
    title, rows = "in words", []
    for line in text.splitlines():
        if line.startswith("#"):
            title = line.lstrip("# ")
        elif line.startswith("|") and not line.startswith("| ---"):
            rows.append([title, *(cell.strip() for cell in line[1:-1].split("|"))])
        elif line and not line.startswith("|"):
            of_all = line.startswith("Made by easiness ")  # the last line, which is of no table
            rows.append(["in words" if of_all else title, line.removeprefix("- ")])
    width = max(map(len, rows))
    return ["table", *map(str, range(1, width))], [row + [""] * (width - len(row)) for row in rows]


def write_table(file, header, rows):
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as opened:
        lines = csv.writer(opened, lineterminator="\n")
        lines.writerows([plain(cell) for cell in row] for row in [header, *rows])


def plain(cell):
    return re.sub(r"(?<=\d),(?=\d{3}\b)", "", re.sub(r"[*`]", "", str(cell))).replace("<br>", "; ")
