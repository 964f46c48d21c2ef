"""A text as people see it."""

from __future__ import annotations

from dataclasses import dataclass

from easiness.inputs.text.stored import TextBytes, TextTraits, to_text


@dataclass(frozen=True, eq=False)
class ShownText:
    """A text, whole."""

    value: TextBytes
    traits: TextTraits | None = None
    uri: None = None
    sound: None = None
    suffix: str = ".txt"

    @property
    def text(self) -> str:
        """The text as it was given."""
        return to_text(self.value)

    def file(self) -> bytes:
        """The text in UTF-8."""
        return self.value.tobytes()
