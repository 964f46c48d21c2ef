"""How help names the files that a result can be written to."""

from __future__ import annotations

FILES = "FILE.csv, .parquet or .json (rows), .md (tables to read), .png, .svg or .pdf (the figure)"
WRITTEN = f"Also write {FILES}."
"""Of commands that print their result anyway."""
