"""The command line."""

from easiness.cli.main import run

__all__ = [
    "run",
]
