from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from easiness.errors import BadInput
from easiness.inputs import GRAMS, WORDS, Signature
from easiness.inputs.text.tokens import VOCABULARY
from easiness.models import build_model, model_name

TOKENS = Signature((9,), "int64", VOCABULARY)


def count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_bag_is_a_linear_classifier_of_a_sum_over_the_root_of_the_number():
    torch.manual_seed(0)
    net: Any = build_model("bag_8", TOKENS, 3).eval()
    assert count(net) == 2**16 * 8 + 8 * 3 + 3
    word = torch.tensor([[7, 0, 0], [7, GRAMS.start, 0], [0, 0, 0]])
    with torch.no_grad():
        logits = net(word)
    table, classifier = net.table.weight, net.classifier
    assert torch.equal(logits[2], classifier.bias)  # nothing is in it
    # one word is the word, and an n-gram of two and of three between what is not there
    rows = _rows(net, word[:1])
    assert len(rows) == 3
    torch.testing.assert_close(logits[0], classifier(table[rows].sum(0) / 3**0.5))
    assert len(_rows(net, word[1:2])) == 4


def _rows(net: Any, tokens: torch.Tensor) -> list[int]:
    net.zero_grad(set_to_none=True)
    net(tokens).sum().backward()
    grad = net.table.weight.grad
    assert grad.is_sparse
    found: list[int] = grad._indices()[0].tolist()
    return sorted(found)


def test_bag_sees_the_order_of_words():
    torch.manual_seed(0)
    net = build_model("bag", TOKENS, 2).eval()
    assert count(net) == 2**16 * 32 + 32 * 2 + 2
    with torch.no_grad():
        one, other = net(torch.tensor([[5, 6, 7], [6, 5, 7]]))
    assert not torch.allclose(one, other)


def test_text_cnn_sees_words_alone():
    torch.manual_seed(0)
    net = build_model("text_cnn", TOKENS, 4).eval()
    assert count(net) == WORDS.stop * 64 + sum(64 * width * 100 + 100 for width in (3, 4, 5)) + 300 * 4 + 4
    with torch.no_grad():
        one, other, none = net(torch.tensor([[5, 6, 7, 0], [5, 6, 7, GRAMS.start], [0, 0, 0, 0]]))
    assert torch.equal(one, other)
    assert torch.isfinite(none).all()


def test_text_cnn_is_kims_computed_by_hand():
    torch.manual_seed(0)
    net: Any = build_model("text_cnn", TOKENS, 2).eval()
    words = [5, 6, 7, 8]
    with torch.no_grad():
        seen = net.vectors.weight[words]
        found = []
        for width, convolution in zip((3, 4, 5), net.convolutions, strict=True):
            zeros = torch.zeros(1, 64)
            padded = torch.cat([zeros.expand(width // 2, -1), seen, zeros.expand((width - 1) // 2, -1)])
            windows = torch.stack([padded[at : at + width].T for at in range(4)])
            values = torch.einsum("nct,oct->no", windows, convolution.weight) + convolution.bias
            found.append(values.clamp(min=0).amax(0))
        expected = net.classifier(torch.cat(found))
        logits = net(torch.tensor([[*words, 0, 0]]))[0]
    torch.testing.assert_close(logits, expected)


def averaging(input_shape: tuple[int, ...], num_classes: int, vocabulary: int) -> nn.Module:
    assert input_shape == (9,)
    return nn.Sequential(nn.EmbeddingBag(vocabulary, 4, padding_idx=0), nn.Linear(4, num_classes))


def without_vocabulary(input_shape: tuple[int, ...], num_classes: int) -> nn.Module:
    return nn.Sequential(nn.Embedding(VOCABULARY, 1), nn.Flatten(), nn.Linear(input_shape[0], num_classes))


def test_networks_of_ones_own_hear_how_many_tokens_there_are():
    assert build_model(model_name(averaging), TOKENS, 2)(torch.ones(3, 9, dtype=torch.int64)).shape == (3, 2)
    assert build_model(model_name(without_vocabulary), TOKENS, 2) is not None
    with pytest.raises(BadInput, match="needs vocabulary"):
        build_model(model_name(averaging), Signature((9,)), 2)
