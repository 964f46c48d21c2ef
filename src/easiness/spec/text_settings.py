"""The settings of a recipe that are a text's: how much of it is seen, and which words are left out."""

from __future__ import annotations

from pydantic import BaseModel, Field


class TextSettings(BaseModel):
    """Length and augmentation of texts."""

    word_dropout: float = Field(
        default=0.0, ge=0, lt=1, description="probability that a word of a text is left out of a step"
    )
    max_words: int = Field(
        default=256, ge=1, le=2048, description="words of a text that are seen, from its beginning"
    )
