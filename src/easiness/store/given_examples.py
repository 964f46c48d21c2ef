"""The examples that a `Recorder` is given to keep, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from easiness.errors import BadInput
from easiness.store.kept import Kept
from easiness.store.parquet import Ids


def kept_examples(ids: Ids, texts: Any) -> Kept | None:
    """The examples with these ids as `Recorder.keep` takes them, or ``None`` where none are given.

    Raises:
        BadInput: they cannot be kept.
    """
    return None if texts is None else _kept_texts(_in_order(texts, "texts", "strings", ids), ids)


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


def _kept_texts(texts: list[Any], ids: Ids) -> Kept:
    for name, text in zip(ids.tolist(), texts, strict=True):
        what = _fault(text)
        if what:
            raise BadInput(f"Recorder: id {name}: its text {what}; give its words, or leave the example out")
    feature = {"dtype": "string", "_type": "Value"}
    return Kept("text", feature, len(texts), lambda row: str(texts[row]))


def _fault(text: object) -> str:
    if not isinstance(text, str):
        return f"is no string but {type(text).__name__}"
    if not text.strip():
        return "is empty"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "is not valid Unicode"
    return ""
