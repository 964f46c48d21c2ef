"""Tokens as network input: numbers, in training without words that are left out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from easiness.inputs.bank import Preparation

_SEEDS = 2**31
_BITS = 24  # of a hash, by which a word is left out


def mix(values: Tensor) -> Tensor:
    """A hash in [0, 2**32) of whole numbers in that range, int64 both; Wellons's two rounds of 32 bits."""
    values = ((values ^ (values >> 15)) * 0x2C1B3C6D) & 0xFFFFFFFF
    values = ((values ^ (values >> 12)) * 0x297A2D39) & 0xFFFFFFFF
    return values ^ (values >> 15)


def only_words(tokens: Tensor, stop: int) -> Tensor:
    """The words [b, w] of tokens [b, L], up to the last of any: numbers below ``stop``, 0 if left out."""
    words = torch.where(tokens < stop, tokens, 0)
    places = torch.arange(1, words.shape[1] + 1, device=words.device)
    return words[:, : int(((words > 0) * places).max())]


@dataclass(frozen=True)
class PlacedTokens(Preparation):
    """Placed tokens [K, L] of words and their n-grams, padded with 0; places stand above ``bits`` of numbers.

    ``word_dropout`` is the probability that a word is left out, 0 for a split that is only evaluated. The
    draw of an example is one seed, with which the place of each word is hashed.
    """

    bits: int
    word_dropout: float = 0.0

    def draw(self, positions: Tensor, generator: torch.Generator) -> Tensor:
        """A seed for each example [b, 1], or nothing [b, 0]."""
        return torch.randint(0, _SEEDS, (len(positions), int(self.word_dropout > 0)), generator=generator)

    def augmented(self, values: Tensor, positions: Tensor, draws: Tensor) -> Tensor:
        """The tokens at ``positions`` [b], with 0 for a word that is left out and for its n-grams."""
        batch = values.index_select(0, positions)
        if not self.word_dropout:
            return batch
        places = (batch >> self.bits).long()
        hashes: Tensor = mix(mix(draws) ^ places) >> (32 - _BITS)
        return batch.masked_fill(hashes < int(self.word_dropout * 2**_BITS), 0)

    def normalized(self, raw: Tensor) -> Tensor:
        numbers: Tensor = raw & (2**self.bits - 1)
        return numbers.long()
