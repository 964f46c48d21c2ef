from __future__ import annotations

import math
import sys
from collections import Counter
from importlib import import_module
from typing import Any

import pytest
import torch
from torch import nn

from easiness.errors import BadInput
from easiness.inputs import Signature
from easiness.inputs.text import GRAMS, VOCABULARY, WORDS
from easiness.models import build_model, find_family, model_name, model_names
from easiness.models.libraries import TORCHVISION as FAMILY
from easiness.models.registry import OWN
from lengths import long_but

SMALL = ["mlp_1", "mlp_3_w16", "wrn_10_1", "densenet_bc_10_4", "resnext_11_2x2d"]
TIMM = ["timm:test_resnet", "timm:test_resnet.r160_in1k", "timm:test_vit"]
TORCHVISION = ["resnet18", "squeezenet1_1", "mobilenet_v3_small", "googlenet"]


def built(name: str, *given: Any) -> nn.Module:
    if name.startswith("timm:"):
        pytest.importorskip("timm")
    return build_model(name, *given)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        *((name, shape) for name in SMALL for shape in [(1, 8, 8), (3, 32, 32), (2, 4, 7)]),
        *((name, shape) for name in TIMM for shape in [(1, 32, 32), (3, 48, 32), (5, 32, 48)]),
        *((name, (3, 32, 32)) for name in TORCHVISION),
    ],
)
def test_channels_size_and_classes_follow_the_data(name: str, shape: tuple[int, int, int]) -> None:
    net = built(name, shape, 7)
    assert net.training
    for _ in range(2):
        assert net(torch.rand(2, *shape)).shape == (2, 7)
        net.eval()


@pytest.mark.parametrize("name", ["wrn_10_1", "timm:test_vit", "squeezenet1_1"])
def test_the_same_generator_state_gives_the_same_network(name: str) -> None:
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        states.append(built(name, (3, 32, 32), 10).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert any(not torch.equal(states[0][key], states[2][key]) for key in states[0])


@pytest.mark.parametrize(
    ("name", "num"),
    [
        ("wrn_16_4", 2_748_890),
        ("densenet_bc_100_12", 769_162),
        ("resnext_29_4x64d", 17_562_442),
        ("resnext_29_4x64d_b64", 17_562_442),
        ("mlp_3", 3072 * 512 + 512 + 512 * 512 + 512 + 512 * 10 + 10),
        ("mlp_3_w256", 3072 * 256 + 256 + 256 * 256 + 256 + 256 * 10 + 10),
        ("mlp_1", 3072 * 10 + 10),
        ("timm:resnet18", 11_689_512 - 990 * 513),
        ("alexnet", 61_100_840),
        ("vgg11_bn", 132_868_840),
        ("resnet18", 11_689_512),
        ("densenet121", 7_978_856),
        ("vit_b_16", 86_567_656),
        ("googlenet", 6_624_904),
        ("inception_v3", 27_161_264 - 3_326_696),  # less the auxiliary classifier
    ],
)
def test_parameter_counts(name: str, num: int) -> None:
    """Ours and timm's on 10 classes of small images, torchvision's as published."""
    if name in (FAMILY.names() or []):
        with torch.device("meta"):
            net = FAMILY.net(name, (3, 224, 224), 1000)
    else:
        net = built(name, (3, 32, 32), 10)
    assert sum(parameter.numel() for parameter in net.parameters()) == num


TOKENS = Signature((9,), "int64", VOCABULARY)
TEXTS = "and these are texts; give bag or text_cnn"
REFUSED = [
    *(("mlp_3", shape, 10, "input_shape") for shape in [(32, 32), (3, 0, 32), (-1, 8, 8)]),
    *(("mlp_3", (1, 8, 8), num, f"num_classes {num}") for num in (1, 0, -3)),
    *(
        (name, shape, 10, rf"{name}.* 4 x 4 .* {shape[1]} x {shape[2]}")
        for name in ("wrn_10_1", "densenet_bc_10_4", "resnext_11_2x2d")
        for shape in [(3, 3, 8), (1, 8, 3), (3, 1, 1)]
    ),
    ("timm:test_vit", (3, 8, 8), 10, r"'timm:test_vit': .* 8 x 8 .*`crop`"),
    *((name, (3, 224, 192), 10, rf"{name}.*square.*224 x 192.*`crop`") for name in ("vit_b_16", "maxvit_t")),
    ("squeezenet1_1", (3, 9, 40), 10, "images of 9 x 40 pixels .*or set `crop`"),
    ("vit_b_16", (1, 230, 230), 10, r"images of 230 x 230 pixels \(AssertionError: .*or set `crop`"),
    *(("resnet18", (num, 32, 32), 10, rf"'resnet18': .* 1 or 3 channels; .*{num}") for num in (2, 4)),
    ("bag", Signature((5,)), 2, "it takes texts and these are vectors; give linear or mlp_2$"),
    (
        "text_cnn",
        Signature((3, 8, 8)),
        2,
        "pictures or sounds; give wrn_16_4 or mlp_3 or wrn_10_1$",
    ),
    *((name, TOKENS, 2, f"it takes images {TEXTS}$") for name in ("wrn_16_4", "resnet18")),
    ("mlp_3", TOKENS, 2, f"it takes images or vectors {TEXTS}$"),
    ("bag_0", TOKENS, 2, "dim 0 does not work; it must be from 1 to 512$"),
]


@pytest.mark.parametrize(("name", "shape", "num_classes", "text"), REFUSED)
def test_what_a_network_cannot_take_is_refused(name: str, shape: Any, num_classes: int, text: str) -> None:
    with pytest.raises(BadInput, match=text) as caught:
        built(name, shape, num_classes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", SMALL)
def test_a_network_of_ours_in_any_memory_format_and_precision(name: str) -> None:
    torch.manual_seed(0)
    net: Any = build_model(name, (3, 8, 8), 4)
    images = torch.randn(8, 3, 8, 8)
    *_, last = net.children()
    assert type(last) is nn.Linear
    assert last.out_features == 4
    before, labels = images.clone(), torch.arange(8) % 4
    nn.functional.cross_entropy(net(images), labels).backward()
    assert torch.equal(images, before)
    for key, parameter in net.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.abs().sum() > 0, key
    expected = net.eval()(images)
    net, images = (one.to(memory_format=torch.channels_last) for one in (net, images))
    torch.testing.assert_close(net(images), expected, rtol=1e-4, atol=1e-5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = net.train()(images)
        nn.functional.cross_entropy(logits.float(), labels).backward()
    assert logits.dtype == torch.bfloat16
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


def test_convolutions_begin_as_he_normal_by_fan_out() -> None:
    torch.manual_seed(0)
    net = build_model("resnext_11_4x16d", (3, 8, 8), 10)
    for module in net.modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 5000:
            fan_out = module.out_channels * math.prod(module.kernel_size)
            assert module.weight.std().item() == pytest.approx(math.sqrt(2 / fan_out), rel=0.05)
        elif isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all()
            assert (module.bias == 0).all()
        elif isinstance(module, nn.Linear):
            assert (module.bias == 0).all()
            assert module.weight.std() > 0


def test_a_hand_computed_mlp() -> None:
    net = build_model("mlp_2_w2", (1, 1, 2), 2)
    values = [[[1.0, 0.0], [0.0, -1.0]], [0.0, 0.5], [[1.0, 2.0], [3.0, 4.0]], [0.0, 1.0]]
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), values, strict=True):
            parameter.copy_(torch.tensor(value))
        logits = net(torch.tensor([[[[2.0, 3.0]]], [[[2.0, -3.0]]]]))
    # hidden: (2, -3 + 0.5 -> 0) and (2, 3.5)
    assert logits.tolist() == [[2.0, 7.0], [9.0, 21.0]]


def test_a_grey_image_is_seen_as_three_equal_channels() -> None:
    torch.manual_seed(0)
    grey = build_model("resnet18", (1, 32, 32), 5).eval()
    torch.manual_seed(0)
    coloured = build_model("resnet18", (3, 32, 32), 5).eval()
    assert list(grey.state_dict()) == [f"net.{key}" for key in coloured.state_dict()]
    image = torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(grey(image), coloured(image.repeat(1, 3, 1, 1)))
    grey = grey.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    nn.functional.cross_entropy(grey(image), torch.arange(2)).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in grey.parameters())


def test_a_transformer_is_built_for_the_size_of_the_images() -> None:
    with torch.device("meta"):
        inception = FAMILY.net("inception_v3", (3, 75, 75), 7).train()
        assert inception(torch.zeros(2, 3, 75, 75)).shape == (2, 7)  # one tensor in training mode too
        net = FAMILY.net("vit_b_16", (3, 32, 32), 4)
        assert net.encoder.pos_embedding.shape == (1, 2 * 2 + 1, 768)  # type: ignore[union-attr]
        assert net(torch.zeros(2, 3, 32, 32)).shape == (2, 4)
    wide = built("timm:vit_tiny_patch16_224.augreg_in21k", (3, 32, 64), 4)
    assert wide.pos_embed.shape == (1, 2 * 4 + 1, 192)


def test_without_a_library_the_pip_command_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("timm")
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(BadInput, match=r"'timm:resnet18': .*'easiness\[timm\]'"):
        find_family("timm:resnet18")
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(BadInput, match=r"not known.*pip install torchvision"):
        find_family("resnet18")


NO_NAMES = {
    **{
        name: f"did you mean {hint}"
        for name, hint in {
            "WRN-16-4": "wrn_16_4",
            "wrn_164": "wrn_16_4",
            "densenet_100_12": "densenet_bc_100_12",
            "vgg11bn": "vgg11_bn",
            "resnet18\n": "resnet18",
            "timm:resnet1": "timm:resnet1",
            "timm:vit_tiny": r"timm:vit_tiny_\w+, timm:vit_tiny_",
        }.items()
    },
    **dict.fromkeys(
        ("", "wrn", "wrn_16_", "wrn_-16_4", "wrn_016_4", "wrn_16_4\n", "wrn_16_٤", "mlp_" + "9" * 5000),
        r"is not known.*mlp_DEPTH.*package\.module:callable",
    ),
    "wrn_15_4": "depth 15 .* 6n.4 from 10 to 400$",
    "wrn_100000_4": "depth 100000 ",
    "wrn_16_0": "width 0 does not work; it must be from 1 to 32$",
    "resnext_28_4x64d": "9n.2 from 11 to 398$",
    "resnext_29_0x64d": "cardinality 0 ",
    "resnext_29_4x0d": "width 0 ",
    "mlp_0": "depth 0 ",
    "mlp_3_w999999": "width 999999 ",
    **dict.fromkeys(
        ("nets/mine.py:make", ":make", "mine:", "a:b:c", "a..b:c", "a.b:c.d", "a b:c"),
        r"write package\.module:callable",
    ),
    "timm:": "timm does not know it",
    "timm:resnet18.a1_in2k": r"no weights 'a1_in2k'.*did you mean timm:resnet18\.a1_in1k.*timm:resnet18 is",
    **dict.fromkeys(
        (
            *("timm:hf-hub:timm/resnet18.a1_in1k", "timm:hf_hub:timm/resnet18.a1_in1k"),
            *("timm:local-dir:nets/mine", "timm:timm/resnet18.a1_in1k"),
        ),
        r"does not know it.*give a name of timm.list_models",
    ),
}


@pytest.mark.parametrize(("name", "text"), NO_NAMES.items())
def test_another_name_is_refused_on_one_line(name: str, text: str) -> None:
    if name.startswith("timm:"):
        pytest.importorskip("timm")
    for use in (find_family, lambda name: build_model(name, (3, 32, 32), 10)):
        with pytest.raises(BadInput, match=text) as caught:
            use(name)
        assert str(caught.value).startswith(f"model {name[:40]!r}"[:-1])
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a:b", "pack_age.mod1:make", "timm.models:resnet18"])
def test_a_callable_is_not_imported_when_its_name_is_checked(name: str) -> None:
    before = set(sys.modules)
    find_family(name)
    assert set(sys.modules) == before


def test_the_known_names_are_one_line_naming_every_family() -> None:
    text = model_names()
    assert "\n" not in text
    forms = [family.form for family in (*OWN, FAMILY)]
    assert all(part in text for part in (*forms, "timm:NAME", "package.module:callable"))


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


CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("wrn_16_1", "wrn", {"blocks": 16, "width_factor": 1}),
    ("wrn_16_4", "wrn", {"blocks": 16, "width_factor": 4}),
    ("densenet_bc_40_12", "densenet", {"blocks": 40, "growth_rate": 12, "bottleneck": True}),
    ("densenet_bc_100_12", "densenet", {"blocks": 100, "growth_rate": 12, "bottleneck": True}),
    ("resnext_20_4x16d", "resnext", {"blocks": 20, "cardinality": 4, "bottleneck_width": 16}),
    ("resnext_29_4x64d", "resnext", {"blocks": 29, "cardinality": 4, "bottleneck_width": 64}),
]


# the smaller of each family always
@pytest.mark.parametrize(("name", "family", "numbers"), long_but(CASES, CASES[::2]))
def test_same_network_as_pytorchcv(name: str, family: str, numbers: dict[str, Any]) -> None:
    """Never with its trained weights."""
    pytest.importorskip("pytorchcv")
    generate = getattr(import_module(f"pytorchcv.models.{family}_cifar"), f"get_{family}_cifar")
    torch.manual_seed(0)
    theirs = generate(num_classes=10, **numbers).double()
    ours = build_model(name, (3, 32, 32), 10).double().eval()

    shapes = [Counter(tuple(p.shape) for p in net.parameters()) for net in (ours, theirs)]
    assert shapes[0] == shapes[1]

    # Both list their layers in the order of computation, so states correspond by order.
    images = torch.randn(4, 3, 32, 32, dtype=torch.float64) * torch.linspace(0.5, 2, 4).view(4, 1, 1, 1)
    with torch.no_grad():
        for module in theirs.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(std=0.2)
                module.momentum = None  # running statistics are those of the pass below
        theirs.train()(images)
        theirs.eval()
        ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
        expected = theirs(images)
        assert expected.std(dim=0).min() > 1e-3 * expected.abs().max(), "logits that hardly see the image"
        torch.testing.assert_close(ours(images), expected)
