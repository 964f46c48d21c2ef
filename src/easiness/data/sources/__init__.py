"""Sources of labelled examples, a file for each kind."""

from easiness.data.sources.registry import SOURCES, accepted, find_source
from easiness.data.sources.source import Source, SourceRequest, absolute

__all__ = ["SOURCES", "SourceRequest", "Source", "absolute", "accepted", "find_source"]
