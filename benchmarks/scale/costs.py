"""What the plan is made of: costs that were measured, and what had to be assumed."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MEASURED = Path(__file__).with_name("measured.json")
ASSUMED = Path(__file__).with_name("assumed.toml")
ENDS = ("low", "value", "high")


@dataclass(frozen=True)
class Costs:
    """Numbers by their names, as attributes; units are in the files that they come from."""

    values: Mapping[str, float]

    def __getattr__(self, name: str) -> float:
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None

    def but(self, **changes: float) -> Costs:
        """With some of them replaced; all have to be known names."""
        unknown = changes.keys() - self.values.keys()
        if unknown:
            raise KeyError(f"no costs: {', '.join(sorted(unknown))}")
        return Costs({**self.values, **changes})


def read_measured() -> dict[str, dict[str, str | float]]:
    """Each with ``value``, ``what``, ``command``, ``measured``."""
    return json.loads(MEASURED.read_text("utf-8"))


def read_assumed() -> dict[str, dict[str, str | float]]:
    """Each with ``value``, ``low``, ``high``, ``what``, ``source``, ``instead``."""
    return tomllib.loads(ASSUMED.read_text("utf-8"))


def read_costs(end: str = "value") -> Costs:
    """All of them; what is assumed at one of `ENDS`."""
    measured = {name: float(one["value"]) for name, one in read_measured().items()}
    assumed = {name: float(one[end]) for name, one in read_assumed().items()}
    assert not measured.keys() & assumed.keys()
    return Costs({**measured, **assumed})
