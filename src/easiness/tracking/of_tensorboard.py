"""TensorBoard: a folder a trial, so that their curves lie over each other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from easiness.regular_file import at_home


class TensorBoard:
    """Writes event files below ``FOLDER/RUN``."""

    def __init__(self, target: str | None) -> None:
        assert target is not None
        self._root = self._folder = at_home(target)

    def _writer(self, folder: Path) -> Any:
        from torch.utils.tensorboard import SummaryWriter  # type: ignore[attr-defined,unused-ignore]

        return SummaryWriter(str(folder))  # type: ignore[no-untyped-call,unused-ignore]

    def begin(self, name: str, parameters: Mapping[str, str | int | float]) -> None:
        """The parameters as a table of text."""
        self._folder = self._root / name
        rows = "\n".join(f"| {key} | {str(value).replace('|', '/')} |" for key, value in parameters.items())
        with self._writer(self._folder) as writer:
            writer.add_text("run", f"| what | value |\n| --- | --- |\n{rows}")

    def trial(self, index: int, curves: Mapping[str, Mapping[int, float]]) -> None:
        """A scalar an epoch for each curve."""
        with self._writer(self._folder / f"trial-{index:04d}") as writer:
            for name, values in curves.items():
                for epoch, value in values.items():
                    writer.add_scalar(name, value, epoch)

    def end(self, summary: Mapping[str, float]) -> None:
        """A scalar each, below ``summary``."""
        with self._writer(self._folder) as writer:
            for name, value in summary.items():
                writer.add_scalar(f"summary/{name}", value, 0)

    def close(self) -> None:
        """Do nothing: every file is closed by now."""
