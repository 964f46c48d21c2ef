"""Trackers of experiments: what a run is, how its trials learn and what it came to, told to other tools.

Each is off by default, and imported only where it is asked for.
"""

from easiness.tracking.registry import TRACKERS, Tracker, TrackerKind, make_tracker

__all__ = ["TRACKERS", "Tracker", "TrackerKind", "make_tracker"]
