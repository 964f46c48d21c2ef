"""``export``: a run in the format of another tool."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from easiness.errors import BadInput, RunFailed
from easiness.exports.examples import examples_of
from easiness.exports.format import Format
from easiness.exports.registry import find_format
from easiness.store import Run, folder_written_whole


@dataclass(frozen=True)
class Exported:
    """Where an export is, the ``then`` of its format, and what was left out or is to be known."""

    path: Path
    then: str
    notes: tuple[str, ...]


def export(run: Run, to: str, out: str | Path, *, epoch: int | None = None, source: Any = None) -> Exported:
    """Write a run in the format of another tool: scores, what is suspected of labels, and pictures.

    Args:
        run: to be exported.
        to: name of the format: ``hf``, ``cleanlab``, ``fiftyone``, ``spotlight``, ``torch``, ``csv`` or
            ``parquet``.
        out: file or folder to write, by the format; it must not exist where it is a folder.
        epoch: scores of after this many epochs; the last by default.
        source: where the data are now, a `Dataset` or what `load_dataset` takes; by default where they were.

    Raises:
        BadInput: the format or the epoch is unknown, ``out`` cannot be that, something that the format needs
            is not recorded, or its pictures cannot be had.
        RunFailed: it cannot be written; nothing is left of it.
    """
    form, path = find_format(to), Path(out)
    _check(form, path)
    examples = examples_of(run, epoch, source)
    if form.needs_pictures and examples.data is None:
        raise BadInput(f"{run.path}: {form.name} shows pictures, and {examples.notes[0]}")
    try:
        with _written_whole(form, path) as place:
            said = form.write(examples, place)
    except OSError as error:
        raise RunFailed(f"{path}: cannot be written ({error.strerror})") from None
    suspects = [note for note in examples.notes if note.startswith("nothing is said")]
    notes = [*([] if said is None else [said]), *suspects]
    return Exported(path, form.then.format(out=str(path)), tuple(notes))


def _check(form: Format, path: Path) -> None:
    if form.suffixes and path.suffix not in form.suffixes:
        raise BadInput(f"{path}: {form.name} is a file; end the name in {' or '.join(form.suffixes)}")
    if form.suffixes and path.is_dir():
        raise BadInput(f"{path}: is a folder; give a file name")
    if not form.suffixes and path.exists():
        raise BadInput(f"{path}: exists already; {form.name} is a new folder, give another name")
    if not path.absolute().parent.is_dir():
        raise BadInput(f"{path}: the folder {path.parent} does not exist; make it first")


@contextmanager
def _written_whole(form: Format, path: Path) -> Iterator[Path]:
    """What to fill: a folder that takes its name in the end, or a file in one that does."""
    if not form.suffixes:
        with folder_written_whole(path) as folder:
            yield folder
        return
    aside = path.with_name(f"{path.name}.part{path.suffix}")
    try:
        yield aside
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
