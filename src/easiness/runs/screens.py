"""Where the state of a run can be shown as it changes: a bar on a terminal, a line in a notebook."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress as Bar, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column

from easiness.errors import printable
from easiness.inputs import reading
from easiness.show import duration_text
from easiness.standard_error import lenient_stderr, say_on_stderr

LINE = 80
"""Characters that a line of progress has at the most."""

_SECONDS_BETWEEN_UPDATES = 0.25  # of a notebook, which keeps every one of them on its way to the reader
_NARROWEST_BAR = 6
_BESIDE_TEXT = _NARROWEST_BAR + len(" 100% 00:00:00  ")  # a blank between each two columns, one to spare
_WIDE = 112  # columns of a terminal that has room for "examples/s"


@dataclass(frozen=True)
class State:
    """Where a run is: ``texts`` say the same in ever fewer words, ``done`` is in [0, 1].

    ``speed`` is in examples per second; it and ``seconds_left`` are ``None`` where there is none.
    """

    texts: Sequence[str]
    done: float
    speed: float | None = None
    seconds_left: float | None = None


def fitting(texts: Sequence[str], width: int) -> str:
    """The first text that is not longer than ``width``, or the last one cut off."""
    return next((text for text in texts if len(text) <= width), texts[-1][: max(width, 0)])


class Screen(Protocol):
    """What can be written over."""

    def open(self) -> None:
        """Begin."""

    def close(self) -> None:
        """Leave the last state as it is."""

    def say(self, text: str) -> None:
        """A line that stays."""

    def show(self, state: State) -> None:
        """Write this over the state before."""


class Terminal:
    """A bar of rich's below every line that stays."""

    def __init__(self, console: Console) -> None:
        self._bar = Bar(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None, table_column=Column(ratio=1, width=_NARROWEST_BAR)),
            TaskProgressColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(compact=True),
            console=console,
            expand=True,
        )

    def open(self) -> None:
        """Take the last line of the terminal."""
        self._bar.start()

    def close(self) -> None:
        """Give it back."""
        self._bar.stop()

    def say(self, text: str) -> None:
        """Print above the bar."""
        self._bar.console.print(printable(text), markup=False, highlight=False)

    def show(self, state: State) -> None:
        """Move the bar; one that goes back begins anew, with a time of its own."""
        width = self._bar.console.width
        unit = " examples/s" if width >= _WIDE else "/s"
        speed = "" if state.speed is None else f"{state.speed:,.0f}{unit}"
        text = fitting([*map(printable, state.texts)], width - _BESIDE_TEXT - len(speed))
        if not self._bar.tasks:
            self._bar.add_task(text, total=1.0, speed=speed)
        task = self._bar.tasks[0]
        if state.done < task.completed:
            self._bar.reset(task.id)
        self._bar.update(task.id, description=text, completed=state.done, speed=speed)


class Notebook:
    """One line of text below a cell, written over by IPython's display protocol.

    Rich's own bar shows nothing in a notebook without ``ipywidgets``, which we do not ask for.
    """

    def __init__(self) -> None:
        from IPython.display import display

        self._display: Any = display
        self._handle: Any = None
        self._text = self._shown = ""
        self._last = -_SECONDS_BETWEEN_UPDATES

    def open(self) -> None:
        """There is nothing to begin."""

    def close(self) -> None:
        """Show the last state, which may have come too soon after another."""
        self._write()

    def say(self, text: str) -> None:
        """Text of its own, above what comes."""
        self._display({"text/plain": printable(text)}, raw=True)

    def show(self, state: State) -> None:
        """Write the line, now and then."""
        tail = f"  {state.done:4.0%}"
        if state.speed is not None:
            tail += f", {state.speed:,.0f} examples/s"
        if state.seconds_left is not None and state.done < 1:
            tail += f", {duration_text(state.seconds_left)} left"
        self._text = fitting([*map(printable, state.texts)], LINE - len(tail)) + tail
        if time.monotonic() - self._last >= _SECONDS_BETWEEN_UPDATES:
            self._write()

    def _write(self) -> None:
        if self._text == self._shown:
            return
        self._last, self._shown = time.monotonic(), self._text
        text = {"text/plain": self._text}
        if self._handle is None:
            self._handle = self._display(text, raw=True, display_id=True)
        else:
            self._handle.update(text, raw=True)


def find_screen() -> Screen | None:
    """The screen that whoever waits looks at; ``None`` where standard error goes to a file or a pipe."""
    console = Console(file=lenient_stderr(escaped=False), stderr=True)  # its bar moves the cursor
    if console.is_jupyter:
        return Notebook()
    return Terminal(console) if console.is_terminal else None


SECONDS_BETWEEN_LINES = 5.0
_QUICK = 1.0  # seconds without a word


@contextmanager
def reading_shown(say: Callable[[str], None] = say_on_stderr) -> Iterator[None]:
    """Says how far the reading of the source has come, on standard error; nothing where that is quick."""
    last_line = time.monotonic()

    def show(what: str, done: int, total: int) -> None:
        nonlocal last_line
        if time.monotonic() - last_line >= SECONDS_BETWEEN_LINES:
            last_line = time.monotonic()
            say(f"{what}: {done:,} of {total:,}")

    with reading(show):
        yield


@contextmanager
def passes_shown(progress: bool) -> Iterator[None]:
    """As `reading_shown`, for what reads alone: a bar on a terminal, a line in a notebook.

    Nothing where that is quick. Without ``progress`` whoever shows it already goes on to do so.
    """
    screen = find_screen() if progress else None
    if screen is None:
        with reading_shown() if progress else nullcontext():
            yield
        return
    began, opened = time.monotonic(), False

    def show(what: str, done: int, total: int) -> None:
        nonlocal opened
        if not opened and time.monotonic() - began < _QUICK:
            return
        if not opened:
            opened = True
            screen.open()
        screen.show(State([what], done / max(total, 1)))

    try:
        with reading(show):
            yield
    finally:
        if opened:
            screen.close()
