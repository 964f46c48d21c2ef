"""A convolutional network on words (Kim 2014, arXiv 1408.5882)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from easiness.inputs import WORDS, only_words

_WIDTHS = (3, 4, 5)
_DIM = 64
_CHANNELS = 100
_DROPOUT = 0.5


class TextCNN(nn.Module):
    """Convolutions over 3, 4 and 5 words side by side, the maximum of each over the text, and a classifier.

    Words have vectors of 64 values, which are learned from nothing with the rest; 100 channels for each width
    and dropout of one half before the classifier are Kim's. Gradients of the vectors are sparse.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.vectors = nn.Embedding(WORDS.stop, _DIM, padding_idx=0, sparse=True)
        nn.init.uniform_(self.vectors.weight, -0.1, 0.1)
        with torch.no_grad():
            self.vectors.weight[0] = 0
        self.convolutions = nn.ModuleList(nn.Conv1d(_DIM, _CHANNELS, width) for width in _WIDTHS)
        self.dropout = nn.Dropout(_DROPOUT)
        self.classifier = nn.Linear(_CHANNELS * len(_WIDTHS), num_classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token numbers [b, L], 0 where there is none, to logits [b, num_classes]."""
        words = only_words(tokens)
        if not words.shape[1]:
            words = F.pad(words, (0, 1))
        seen = self.vectors(words).transpose(1, 2)
        # from the first word to the last of each text, so that padding changes nothing
        inside = (words.flip(1).cummax(1).values.flip(1) > 0)[:, None]
        most = []
        for width, convolution in zip(_WIDTHS, self.convolutions, strict=True):
            found = convolution(F.pad(seen, (width // 2, (width - 1) // 2)))
            most.append((F.relu(found) * inside).amax(2))
        logits: Tensor = self.classifier(self.dropout(torch.cat(most, 1)))
        return logits


def text_cnn(input_shape: tuple[int, ...], num_classes: int, vocabulary: int) -> TextCNN:  # noqa: ARG001
    """A `TextCNN`, which looks at words alone."""
    return TextCNN(num_classes)
