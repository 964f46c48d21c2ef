"""``python -m easiness``."""

from easiness.cli import run

run()
