"""The seconds of a call."""

from __future__ import annotations

import time


def timed(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began
