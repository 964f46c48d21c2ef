"""Writes docs/scale.md and its figure: page.md with what the model in this folder yields in its places.

    python benchmarks/scale/page.py

What is measured is in measured.json (`measure.py` writes it), what is assumed in assumed.toml.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.pages import write_page
from kit.results import ROOT
from scale.costs import read_assumed, read_costs, read_measured
from scale.limits import limits
from scale.tables import EXAMPLES, designs_table, limits_table, losses_table, takes_table, ways_table
from scale.words import number, size_text, table
from scale.worked import BILLION, IMAGENET, TWO_NODES, observations
from scale.workload import HOUR

PAGE = ROOT / "docs" / "scale.md"
FIGURE = ROOT / "docs" / "results" / "scale.svg"
TEMPLATE = Path(__file__).with_name("page.md")


def main():
    write(PAGE)
    from scale.figure import draw

    of_examples = [one for one in limits(IMAGENET, TWO_NODES, read_costs()) if one.unit in EXAMPLES]
    FIGURE.write_bytes(draw(of_examples))
    print(f"wrote {PAGE.relative_to(ROOT)}, the tables beside it and {FIGURE.relative_to(ROOT)}")


def write(path):
    """The page, and its whole tables in the folder of its name."""
    costs = read_costs()
    spot = costs.but(node_losses=read_costs("high").node_losses)
    header, rows = limits_table(costs)
    found = {
        "takes": takes_table(costs),
        "limits": table(header, [row for row in rows if row[1].endswith(EXAMPLES)]),
        "designs": designs_table(costs),
        "training_cores": f"{costs.training_rate / costs.crops_rate:.1f}",
        "evaluation_cores": f"{costs.evaluation_rate / costs.centres_rate:.1f}",
        "trains": number(costs.training_rate),
        "evaluates": number(costs.evaluation_rate),
        "pinned": size_text(BILLION.runs * BILLION.examples * costs.source_bytes),
        "disk": size_text(costs.node_disk),
        "asking_hours": number(costs.asking_seconds * observations(BILLION) / HOUR),
    }
    tables = {
        "limits": (header, rows),
        "photos-to-nodes": ways_table(costs),
        "lost-nodes": losses_table(costs, spot),
        "measured": sheet(read_measured(), "what", "value", "command", "measured"),
        "assumed": sheet(read_assumed(), "what", "value", "low", "high", "source", "instead"),
    }
    write_page(path, TEMPLATE.read_text("utf-8").format_map(found), tables)


def sheet(costs, *columns):
    """Header and rows of costs as they are in their file."""
    return columns, [[one[column] for column in columns] for one in costs.values()]


if __name__ == "__main__":
    main()
