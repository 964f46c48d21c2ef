"""A bag of words, word n-grams and character n-grams, each with a vector in one hashed table."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from easiness.inputs import mixed, only_words

ROWS = 2**16
_LONGEST = 3  # words of an n-gram
_SEED = 0x1E3779B1  # an n-gram of one word, between two that are not there, is not the word


class Bag(nn.Module):
    """A linear classifier of the sum of the vectors of all words, word n-grams and character n-grams.

    The sum is divided by the root of their number, so that its length hardly depends on that of the text.
    What is in a text falls into one of the ``ROWS`` of the table by a hash of its token numbers (Weinberger
    et al. 2009, arXiv 0902.2206; Joulin et al. 2016, arXiv 1607.01759). Gradients of the table are sparse.
    """

    def __init__(self, num_classes: int, dim: int) -> None:
        super().__init__()
        self.table = nn.Embedding(ROWS, dim, sparse=True)
        nn.init.uniform_(self.table.weight, -0.1, 0.1)
        self.classifier = nn.Linear(dim, num_classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token numbers [b, L], 0 where there is none, to logits [b, num_classes]."""
        found, there = _features(tokens)
        counts = there.sum(1)
        total = F.embedding_bag(
            found[there] % ROWS, self.table.weight, counts.cumsum(0) - counts, mode="sum", sparse=True
        )
        logits: Tensor = self.classifier(total * counts.clamp(min=1).rsqrt()[:, None])
        return logits


def _features(tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Hashes [b, f] of all that is in texts, and where there is something.

    A word n-gram may begin before the first word and end behind the last, or where a word is left out.
    """
    words = F.pad(only_words(tokens), (1, _LONGEST - 1))
    num = words.shape[1] - _LONGEST
    found, there = [mixed(tokens)], [tokens > 0]
    running = mixed(words[:, :num] + _SEED)
    for at in range(1, _LONGEST):
        running = mixed(running ^ words[:, at : at + num])
        found.append(running)
        there.append(words[:, 1 : 1 + num] > 0)
    return torch.cat(found, 1), torch.cat(there, 1)


def bag(input_shape: tuple[int, ...], num_classes: int, vocabulary: int, dim: int = 32) -> Bag:  # noqa: ARG001
    """A `Bag` with vectors of ``dim`` values; 2 ** 16 of them are what it has to learn."""
    return Bag(num_classes, dim)
