"""Every error has the form that `easiness.errors` gives for its text, as far as the source tells."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import easiness

ROOT = Path(easiness.__file__).parent
VALUE = "{}"
"""What stands for a value that is known only when the message is made."""

NAMES = ("Recorder: ", "RecordCallback: ", "RecordTraining: ")
"""Things with a capital."""

REMEDY = re.compile(r"; |: .*\b(must|needs|give|write|use|name|make)\b")
"""What to do, after the problem or, where that goes without saying, in its place."""

SENTENCE = re.compile(r"\b(is|are|was|were|has|have|takes|returned|raised)\b")

# parts of a message: whoever catches them says of what
REASONS = {
    "it called sys.exit({})",
    "its {} are not finite",
    "it is damaged",
    "it is of a longer training",
    "it is of a training with other settings",
    "it is of another network",
    "it is of another number of epochs",
    "it was written with {} {}, this is {}",
    "its observations are of other epochs",
    "its optimizer is of other parameters",
    "its random state is of another kind",
    "the loss stopped being finite at {}",
}


class Message(NamedTuple):
    file: str
    line: int
    kind: str
    text: str


def _texts(tree: ast.AST) -> Iterator[str]:
    """Every text of a module but its documentation."""
    docs = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docs:
            yield node.value


def test_no_text_names_a_page_that_is_not_installed() -> None:
    found = [text for file in ROOT.rglob("*.py") for text in _texts(ast.parse(file.read_text("utf-8")))]
    assert len(found) > 5000
    assert [text for text in found if "docs/" in text] == []


def test_nor_does_a_page_or_the_help_of_a_function() -> None:
    files = [file for end in ("html", "js") for file in ROOT.rglob(f"*.{end}")]
    assert len(files) > 20
    assert [file.name for file in files if "docs/" in file.read_text("utf-8")] == []
    assert [name for name in dir(easiness) if "docs/" in (getattr(easiness, name).__doc__ or "")] == []


def text_of(node: ast.expr) -> str | None:
    """The text with a sign for each value; ``None`` where it is made elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else VALUE for part in node.values)
    return None


def messages() -> Iterator[Message]:
    for path in sorted(ROOT.rglob("*.py")):
        file = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
                continue
            text = text_of(node.args[0]) if node.func.id in ("BadInput", "RunFailed", "TrialFailed") else None
            if text is not None:
                yield Message(file, node.lineno, node.func.id, text)


@functools.cache
def every() -> tuple[Message, ...]:
    return tuple(messages())


def wrong(text: str, kind: str) -> str | None:
    """What is wrong with the form of a message."""
    thing, colon, _ = text.partition(": ")
    if "\n" in text or "  " in text:
        return "is not one line"
    if text.endswith((".", "!")) and not text.endswith("..."):
        return "ends as a sentence"
    if text[0].isupper() and not text.startswith(NAMES):
        return "begins as a sentence"
    if not text.startswith("{}; ") and (not colon or ";" in thing or SENTENCE.search(thing)):
        return "does not begin with the thing and a colon"
    if kind == "BadInput" and not (REMEDY.search(text) or text.endswith(VALUE)):
        return "does not say what to do"
    return None


@pytest.mark.parametrize(
    ("text", "kind", "problem"),
    [
        ("rate {}: not in [0, 1); give a share", "BadInput", None),
        ("--rate {}: must be a share", "BadInput", None),
        ("{}: could not be written", "RunFailed", None),
        ("rate {} is not in [0, 1); give a share", "BadInput", "does not begin with the thing and a colon"),
        ("{}: not a share", "BadInput", "does not say what to do"),
        ("Rate {}: give a share", "BadInput", "begins as a sentence"),
        ("rate {}: give a share.", "BadInput", "ends as a sentence"),
        ("rate {}:\ngive a share", "BadInput", "is not one line"),
    ],
)
def test_the_form_is_told(text: str, kind: str, problem: str | None) -> None:
    assert wrong(text, kind) == problem


def test_every_message_has_the_form() -> None:
    assert len(every()) > 400
    found = [
        f"{one.file}:{one.line} {problem}: {one.text}"
        for one in every()
        if one.text not in REASONS and (problem := wrong(one.text, one.kind))
    ]
    assert not found, "\n".join(found)


def test_every_reason_is_there() -> None:
    assert {one.text for one in every()} >= REASONS
