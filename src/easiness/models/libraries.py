"""Networks that libraries publish, torchvision's and timm's, with weights that others have trained.

A library is imported when one of its networks is asked for, and nothing is downloaded unasked. Files of
weights are safetensors alone, and are copied into all of a network but its classifier.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from easiness.errors import BadInput, nearest, recast
from easiness.inputs import Signature
from easiness.lazy import huggingface_hub
from easiness.lazy_torch import Tensor, nn, safetensors, torch
from easiness.models.family import IMAGES, Family, Shape
from easiness.named_import import describe

SUFFIX = ".safetensors"


class Library(Family):
    """Networks of a library, by the library's own names.

    ``any_channels`` tells whether images may have another number of channels than three.
    """

    takes = IMAGES
    any_channels = False

    def net(self, name: str, input_shape: Shape, num_classes: int) -> nn.Module:
        """The network ``name`` with random weights, for images of ``input_shape`` (c, h, w).

        Gives logits [b, num_classes], also in training mode. One with a fixed image size, such as a vision
        transformer, is built for that of the images. Initialized as the library does, from torch's global
        generator.
        """
        raise NotImplementedError

    def weights_file(self, name: str) -> Path | None:
        raise NotImplementedError  # safetensors on this disk; nothing is downloaded

    def fetch(self, name: str) -> None:
        raise NotImplementedError

    def weights(self, name: str, path: Path, net: nn.Module, input_shape: Shape) -> dict[str, Tensor]:
        """The state in a file of weights, for a ``net`` of images of ``input_shape`` (3, h, w)."""
        raise NotImplementedError

    def build(self, name: str, signature: Signature, num_classes: int) -> nn.Module:
        """The network, initialized as its library does; a grey image is seen as three equal channels."""
        input_shape = signature.shape
        if self.any_channels:
            return self._net(name, input_shape, input_shape, num_classes)
        return _for(input_shape, self._net(name, _color_shape(name, input_shape), input_shape, num_classes))

    def build_from(self, path: Path, name: str, input_shape: Shape, num_classes: int) -> nn.Module:
        """The network with the weights in the file ``path``, all but a classifier for other classes.

        The random numbers drawn are those of `build`.
        """
        shape = _color_shape(name, input_shape, "with pretrained weights ")
        net = self._net(name, shape, input_shape, num_classes)
        load_weights(net, self.weights(name, path, net, shape), num_classes, path)
        return _for(input_shape, net)

    def _net(self, name: str, shape: Shape, input_shape: Shape, num_classes: int) -> nn.Module:
        with recast(lambda error: BadInput(self.refusal(name, input_shape, error))):
            return self.net(name, shape, num_classes)

    def refusal(self, name: str, input_shape: Shape, error: Exception) -> str:
        _, height, width = input_shape
        return (
            f"model {name!r}: cannot take images of {height} x {width} pixels ({describe(error)}); use "
            "larger images, or set `crop` in the recipe to a larger side"
        )


class Torchvision(Library):
    """torchvision's classifiers under their own names."""

    form = "a name of torchvision's (such as resnet18, vgg11_bn)"
    _with_side_outputs = ("googlenet", "inception_v3")
    _side_output = re.compile(r"(AuxLogits|aux1|aux2)\.")
    # DenseNet's files are older than the rule that a module's name has no dot: norm.1 is now norm1.
    _densenet_dot = re.compile(r"(.*denselayer\d+\.(?:norm|conv))\.(\d\..*)")

    @property
    def _models(self) -> Any:
        """``torchvision.models``, or ``None`` where torchvision is not installed."""
        try:
            return importlib.import_module("torchvision.models")
        except ModuleNotFoundError:
            return None

    def _best(self, name: str) -> Any:
        return self._models.get_model_weights(name).DEFAULT

    def reads(self, name: str) -> bool:
        return name.isidentifier() and name in (self.names() or ())

    def names(self) -> list[str] | None:
        models = self._models
        return None if models is None else list(models.list_models(module=models))

    def net(self, name: str, input_shape: Shape, num_classes: int) -> nn.Module:
        """As `Library.net`; ``googlenet`` and ``inception_v3`` have no auxiliary outputs."""
        _, height, width = input_shape
        options: dict[str, Any] = {}
        if name in self._with_side_outputs:
            options = {"aux_logits": False, "init_weights": True}
        elif name.startswith(("vit_", "maxvit")):
            if height != width:
                raise BadInput(
                    f"model {name!r}: takes square images only and these are {height} x {width}; set `crop` "
                    "in the recipe, or choose another model"
                )
            options = {"image_size": height} if name.startswith("vit_") else {"input_size": (height, width)}
        net: nn.Module = self._models.get_model(name, weights=None, num_classes=num_classes, **options)
        return net

    def weights_file(self, name: str) -> Path | None:
        """In torch's hub folder, which follows ``TORCH_HOME``; torchvision's own pickle is not read."""
        path = self._safetensors(name)
        return path if path.is_file() else None

    def _safetensors(self, name: str) -> Path:
        file = self._best(name).url.rsplit("/", 1)[-1]
        return Path(torch.hub.get_dir(), "checkpoints", file).with_suffix(SUFFIX)

    def fetch(self, name: str) -> None:
        state = self._best(name).get_state_dict(progress=False, check_hash=True, weights_only=True)
        path = self._safetensors(name)
        aside = path.with_suffix(".part")
        safetensors.save_file({key: value.contiguous() for key, value in state.items()}, aside)
        aside.replace(path)

    def weights(self, name: str, path: Path, *_: object) -> dict[str, Tensor]:
        """Without auxiliary outputs, by the names of today."""
        weights = _read_weights(path)
        for key in list(weights):
            if name in self._with_side_outputs and self._side_output.match(key):
                del weights[key]
            elif match := self._densenet_dot.fullmatch(key):
                weights["".join(match.groups())] = weights.pop(key)
        return weights


_PREFIX = "timm:"


class Timm(Library):
    """timm's networks as ``timm:NAME``."""

    form = f"{_PREFIX}NAME"
    any_channels = True

    def reads(self, name: str) -> bool:
        return name.startswith(_PREFIX)

    def check(self, name: str) -> None:
        bare = name.removeprefix(_PREFIX)
        timm = self._timm(name)
        names = timm.list_models()
        architecture, _, tag = bare.partition(".")
        if architecture not in names:
            hint = _timm_hint(bare, names)
            raise BadInput(f"model {name!r}: timm does not know it{hint}; give a name of timm.list_models()")
        tags = timm.list_models(f"{architecture}.*", pretrained=True)
        if tag and bare not in tags:
            raise BadInput(
                f"model {name!r}: timm has no weights {tag!r} of it{_timm_hint(bare, tags)}; "
                f"timm:{architecture} is the same network"
            )

    def _timm(self, name: str) -> Any:
        try:
            return importlib.import_module("timm")
        except ModuleNotFoundError:
            raise BadInput(f"model {name!r}: needs timm; run pip install 'easiness[timm]'") from None

    def _config(self, name: str) -> Any:
        return self._timm(name).models.get_pretrained_cfg(name.removeprefix(_PREFIX))

    def net(self, name: str, input_shape: Shape, num_classes: int, **options: Any) -> nn.Module:
        channels, height, width = input_shape
        if self._config(name).fixed_input_size:
            options["img_size"] = (height, width)
        net: nn.Module = self._timm(name).create_model(
            name.removeprefix(_PREFIX), in_chans=channels, num_classes=num_classes, **options
        )
        return net

    def _on_hub(self, name: str) -> tuple[str, str, str | None]:
        config = self._config(name)
        repository, _, revision = (config.hf_hub_id or "").partition("@")
        file = config.hf_hub_filename or f"model{SUFFIX}"
        if not repository or not file.endswith(SUFFIX):
            raise BadInput(f"model {name!r}: has no weights as safetensors; leave out --pretrained")
        return repository, file, revision or None

    def weights_file(self, name: str) -> Path | None:
        repository, file, revision = self._on_hub(name)
        path = huggingface_hub.try_to_load_from_cache(repository, file, revision=revision)
        return Path(path) if isinstance(path, str) else None

    def fetch(self, name: str) -> None:
        repository, file, revision = self._on_hub(name)
        huggingface_hub.hf_hub_download(repository, file, revision=revision)

    def weights(self, name: str, path: Path, net: nn.Module, input_shape: Shape) -> dict[str, Tensor]:
        """Names and positional embeddings as timm brings them into line.

        The classifier is as wide as in the file, or that of ``net`` where the file has none.
        """
        config = self._config(name)
        weights = _read_weights(path)
        misfit = f"{path}: these weights do not fit model {name!r}"
        with recast(lambda error: BadInput(f"{misfit}: {describe(error)}")):
            num_classes = _num_classes(config, weights)
            overlay = {"state_dict": weights, "custom_load": False, "num_classes": num_classes}
            with torch.random.fork_rng(devices=[]):
                full = self.net(
                    name, input_shape, num_classes, pretrained=True, pretrained_cfg_overlay=overlay
                )
        # timm has seen that the file is whole; what it lacks is a classifier that was never there
        return {**net.state_dict(), **full.state_dict()}


TORCHVISION, TIMM = Torchvision(), Timm()


def _num_classes(config: Any, weights: Mapping[str, Tensor]) -> int:
    """Outputs of the classifier in a file, less a class for the background; timm's word where it has none."""
    layers = [config.classifier] if isinstance(config.classifier, str) else config.classifier or []
    for layer in layers:
        if f"{layer}.weight" in weights:
            return len(weights[f"{layer}.weight"]) - (config.label_offset or 0)
    return int(config.num_classes)


def _timm_hint(name: str, names: Sequence[str]) -> str:
    """The nearest names, those that only go on where there are any."""
    names = [other for other in names if other.startswith(name)] or names
    return nearest(_PREFIX + name, [_PREFIX + other for other in names])


def _color_shape(name: str, input_shape: Shape, weights: str = "") -> Shape:
    channels, height, width = input_shape
    if channels not in (1, 3):
        raise BadInput(f"model {name!r}: {weights}takes images of 1 or 3 channels; these have {channels}")
    return 3, height, width


def _for(input_shape: Shape, net: nn.Module) -> nn.Module:
    from easiness.models.networks import Grey

    return net if input_shape[0] == 3 else Grey(net)


def _read_weights(path: Path) -> dict[str, Tensor]:
    if path.suffix != SUFFIX:
        raise BadInput(
            f"{path}: is no {SUFFIX} file, and others are not read, since they may be pickled; convert it "
            "with safetensors.torch.save_file"
        )
    again = f"{path}: the weights cannot be read: {{}}; download them again"
    with recast(lambda error: BadInput(again.format(describe(error)))):
        return safetensors.load_file(path)


def load_weights(net: nn.Module, weights: dict[str, Tensor], num_classes: int, path: Path) -> None:
    """Copy ``weights`` (from ``path``, for the error text) into ``net``, which has ``num_classes``.

    A classifier for another number of classes is left out, so that it stays as it is in ``net``.
    """
    own = net.state_dict()
    # only a last layer can differ in the number of outputs alone: any other has one after it
    classifier = [
        key
        for key, theirs in weights.items()
        if key in own
        and theirs.ndim == own[key].ndim > 0
        and theirs.shape[1:] == own[key].shape[1:]
        and len(own[key]) == num_classes != len(theirs)
    ]
    misfit = f"{path}: these weights do not fit: {{}}; give those of this network"
    with recast(lambda error: BadInput(misfit.format(describe(error)))):
        net.load_state_dict({**weights, **{key: own[key] for key in classifier}})
