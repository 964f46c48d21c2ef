"""The drawing and text kit: numbers in words, titled tables, axes, and results as files of any kind."""

from easiness.show.amounts import duration_text, size_text
from easiness.show.rendering import PICTURE_SUFFIXES, SUFFIXES, json_bytes, render, rendered
from easiness.show.result import Result
from easiness.show.section import Section, defined, number, sections_html, sections_markdown, sections_text
from easiness.show.svg import (
    EASY,
    FAINT,
    FONT_SIZE,
    HARD,
    HELD_OUT,
    INK,
    LEFT_OUT,
    TRAIN,
    chance_line,
    legend_above,
    new_axes,
    picture_bytes,
    quiet,
    to_svg,
    whole_ticks,
)
from easiness.show.text import capitalized, chosen_percent, count, duration, percent, whole_percent

__all__ = [
    "EASY",
    "FAINT",
    "FONT_SIZE",
    "HARD",
    "HELD_OUT",
    "INK",
    "LEFT_OUT",
    "PICTURE_SUFFIXES",
    "Result",
    "SUFFIXES",
    "Section",
    "TRAIN",
    "capitalized",
    "chance_line",
    "chosen_percent",
    "count",
    "defined",
    "duration",
    "duration_text",
    "json_bytes",
    "legend_above",
    "new_axes",
    "number",
    "percent",
    "picture_bytes",
    "quiet",
    "render",
    "rendered",
    "sections_html",
    "sections_markdown",
    "sections_text",
    "size_text",
    "to_svg",
    "whole_percent",
    "whole_ticks",
]
