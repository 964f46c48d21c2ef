"""``python -m easiness``."""

from easiness.cli.main import run

run()
