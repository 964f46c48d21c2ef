"""Where labelled examples come from, a file for each kind of source."""

from easiness.data.sources.registry import SOURCES, accepted, find_source
from easiness.data.sources.source import Asked, Source, absolute

__all__ = ["SOURCES", "Asked", "Source", "absolute", "accepted", "find_source"]
