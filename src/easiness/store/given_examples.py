"""The examples that a `Recorder` is given to keep, checked."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from functools import partial
from typing import Any

from easiness.errors import BadInput
from easiness.inputs import MOST_BYTES, SOUND, TEXT, Unreadable, from_texts, to_sounds
from easiness.record import to_numpy
from easiness.regular_file import at_home, read_regular
from easiness.store.kept import Kept
from easiness.store.parquet import Ids


def kept_examples(ids: Ids, texts: Any, sounds: Any, rate: Any) -> Kept | None:
    """The examples with these ids as `Recorder.keep` takes them, or ``None`` where none are given."""
    if texts is not None and sounds is not None:
        raise BadInput("Recorder: texts and sounds: are two kinds of examples; give one of them")
    if rate is not None and sounds is None:
        raise BadInput(f"Recorder: rate={rate}: is that of arrays of sound; give them in sounds")
    if texts is not None:
        return _kept_texts(_in_order(texts, "texts", "strings", ids), ids)
    if sounds is None:
        return None
    found = _in_order(sounds, "sounds", "paths, or of arrays of samples", ids)
    return (_kept_files if _are_paths(found) else _kept_arrays)(found, rate, ids)


def _in_order(given: Any, what: str, of: str, ids: Ids) -> list[Any]:
    """What is given for each id: in the order of ids, or by id."""
    if isinstance(given, Mapping):
        missing = next((name for name in ids.tolist() if name not in given), None)
        if missing is not None:
            raise BadInput(f"Recorder: {what}: none for the id {missing}; give one for each id")
        return [given[name] for name in ids.tolist()]
    if isinstance(given, str | bytes) or not hasattr(given, "__len__"):
        raise BadInput(f"Recorder: {what}: are {type(given).__name__}; give a list of {of}")
    if len(given) != len(ids):
        raise BadInput(
            f"Recorder: {what}: {len(given)} for {len(ids)} ids; give one for each, in the order of ids"
        )
    return list(given)


def _kept_texts(given: list[Any], ids: Ids) -> Kept:
    texts = from_texts(given, "Recorder: texts", lambda row: f"Recorder: id {ids[row]}").texts()
    feature = {"dtype": "string", "_type": "Value"}
    return Kept(TEXT.name, feature, len(texts), lambda row: texts[row])


_AUDIO = {"_type": "Audio"}


def _are_paths(sounds: list[Any]) -> bool:
    return isinstance(sounds[0], str | os.PathLike)


def _kept_arrays(given: list[Any], rate: Any, ids: Ids) -> Kept:
    """Arrays of samples, as WAV of the single-precision numbers that they are."""
    if rate is None:
        raise BadInput("Recorder: sounds: are arrays without a rate; give the samples a second in rate=")
    arrays = [to_numpy(one) for one in given]
    samples = to_sounds(arrays, rate, "Recorder: sounds", lambda row: f"Recorder: id {ids[row]}").samples()

    def cell(row: int) -> dict[str, Any]:
        from scipy.io import wavfile

        made = io.BytesIO()
        wavfile.write(made, int(rate), samples[row])
        return {"bytes": made.getvalue(), "path": None}

    return Kept(SOUND.name, _AUDIO, len(samples), cell)


def _kept_files(given: list[Any], rate: Any, ids: Ids) -> Kept:
    """The bytes of files, and their names without the folders that they lie in."""
    if rate is not None:
        raise BadInput(f"Recorder: rate={rate}: files have their own; leave it out")
    files = SOUND.files
    assert files is not None

    def name(row: int) -> str:
        return f"Recorder: id {ids[row]}: {given[row]}"

    def cell(row: int) -> dict[str, Any]:
        try:
            path = at_home(given[row])
            return {"bytes": read_regular(path, MOST_BYTES), "path": path.name}
        except TypeError:
            raise BadInput(f"{name(row)}: is no path; give a path for each, or an array for each") from None
        except OSError as error:
            raise BadInput(f"{name(row)}: cannot be read ({error.strerror}); give a sound for it") from None

    def check(row: int, made: dict[str, Any]) -> None:
        blob = partial(bytes, made["bytes"])
        try:
            with files.quiet():
                files.decode(blob, name(row), files.scan(iter([files.read_header(blob, name(row))])))
        except Unreadable as error:
            raise BadInput(f"{name(row)}: {error.reason}; mend it or leave the example out") from None

    return Kept(SOUND.name, _AUDIO, len(given), cell, check)
