"""Writes docs/scale.md and its figure: page.md with what the model in this folder yields in its places.

    python benchmarks/scale/page.py

What is measured is in measured.json (`measure.py` writes it), what is assumed in assumed.toml.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.results import ROOT
from scale.costs import read_assumed, read_costs, read_measured
from scale.limits import limits
from scale.tables import EXAMPLES, designs_table, limits_table, losses_table, takes_table, ways_table
from scale.words import number, size_text, table, value_text
from scale.worked import BILLION, IMAGENET, SIMULATIONS, TWO_NODES, observations
from scale.workload import HOUR, IMAGE_BYTES

PAGE = ROOT / "docs" / "scale.md"
FIGURE = ROOT / "docs" / "results" / "scale.svg"
TEMPLATE = Path(__file__).with_name("page.md")


def main():
    PAGE.write_text(page(), "utf-8")
    from scale.figure import draw

    of_examples = [one for one in limits(IMAGENET, TWO_NODES, read_costs()) if one.unit in EXAMPLES]
    FIGURE.write_bytes(draw(of_examples))
    print(f"wrote {PAGE.relative_to(ROOT)} and {FIGURE.relative_to(ROOT)}")


def page():
    """The text of the page."""
    costs = read_costs()
    spot = costs.but(node_losses=read_costs("high").node_losses)
    found = {
        "takes": takes_table(costs),
        "limits": limits_table(costs),
        "designs": designs_table(costs),
        "losses": losses_table(costs, spot),
        "ways": ways_table(costs),
        "measured": measured_list(),
        "assumed": assumed_table(),
        "training_cores": f"{costs.training_rate / costs.crops_rate:.1f}",
        "evaluation_cores": f"{costs.evaluation_rate / costs.centres_rate:.1f}",
        "simulations": f"{SIMULATIONS}",
        "pinned": size_text(BILLION.runs * BILLION.examples * costs.source_bytes),
        "disk": size_text(costs.node_disk),
        "held_images": size_text(3 * IMAGENET.examples * IMAGE_BYTES),
        "tiny_ms": f"{1000 * (costs.dispatch_seconds + costs.store_seconds):.1f}",
        "asking_hours": number(costs.asking_seconds * observations(BILLION) / HOUR),
    }
    return TEMPLATE.read_text("utf-8").format_map(found)


def measured_list():
    """One line for each command, since one gives many numbers."""
    of_command: dict[tuple[object, object], list[str]] = {}
    for one in read_measured().values():
        numbers = of_command.setdefault((one["command"], one["measured"]), [])
        command, colon, what = str(one["what"]).rpartition(": ")
        numbers.append(f"{command}{colon}{value_text(one['value'])} {what}")
    return "\n".join(
        f"- `{command}` ({where}): {'; '.join(numbers)}." for (command, where), numbers in of_command.items()
    )


def assumed_table():
    rows = []
    for one in read_assumed().values():
        low, value, high = (value_text(one[end]) for end in ("low", "value", "high"))
        span = value if low == high else f"{value} ({low} to {high})"
        rows.append((str(one["what"]), span, str(one["source"]), str(one["instead"])))
    return table(("", "", "from", "yours"), rows)


if __name__ == "__main__":
    main()
