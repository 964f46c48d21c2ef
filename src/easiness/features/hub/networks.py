"""Networks of the Hugging Face hub, through the `transformers` library."""

from __future__ import annotations

import math
from importlib.util import find_spec
from typing import Any

from easiness.errors import BadInput
from easiness.features.frozen import (
    ENCODER,
    EXTRA,
    Preparation,
    check_encoder,
    network_source,
    packaged_encoder,
)
from easiness.features.hub.files import HubNetwork
from easiness.features.hub.sequences import Sounds, Texts
from easiness.features.source import FeatureKind, FeatureSource, Request
from easiness.inputs import IMAGE
from easiness.regular_file import at_home

_RESAMPLING = {0: "nearest", 2: "bilinear"}  # Pillow's numbers; all others are taken for bicubic
_LARGEST = 4096  # side of a picture
_FAR = 1e6  # from 1: of means and deviations of pixels in [0, 1]
_HALF = (0.5, 0.5, 0.5)


class Pictures(HubNetwork):
    """Its vector is the pooled output, or the mean of the last hidden state where it has none."""

    kind = IMAGE
    inputs = ("pixel_values",)
    extra = EXTRA

    def takes(self, taken: str | None) -> bool:
        """Networks of several kinds take them too."""
        return super().takes(taken) or hasattr(self.config, "vision_config")

    def source(self, about: str) -> FeatureSource:
        """The source of features, of which ``about`` is said."""
        weights, preparation = self.guarded(self.weights_digest), self.guarded(self._preparation)
        return network_source(self.request, self.request.text, weights, preparation, self._build, about)

    def _preparation(self) -> Preparation:
        file = self.document("preprocessor_config.json")
        vision = getattr(self.config, "vision_config", self.config)
        seen = _sides(file.get("crop_size")) if file.get("do_center_crop") else None
        resized = _sides(file.get("size"))
        size = seen or resized or _sides(getattr(vision, "image_size", None)) or (224, 224)
        mean, std = _three(file.get("image_mean") or _HALF), _three(file.get("image_std") or _HALF)
        usual = all(1 / _FAR < one < _FAR for one in std) and all(abs(one) < _FAR for one in mean)
        if not (1 <= min(size) <= max(size) <= _LARGEST and usual):
            raise ValueError(f"pictures of {size}, means of {mean} and deviations of {std} cannot be made")
        kept = min(1.0, min(size) / min(resized)) if seen and resized else 1.0
        return Preparation(size, mean, std, kept, _RESAMPLING.get(file.get("resample", 3), "bicubic"))

    def _build(self) -> Any:
        from torch import nn

        net, whole = self.network()
        net = getattr(net, "vision_model", net)

        class Pooled(nn.Module):
            """The network as one that gives vectors [b, D]."""

            def __init__(self) -> None:
                super().__init__()
                self.net = net

            def forward(self, pictures: Any) -> Any:
                """Pooled output where its weights are there, else the mean of the last hidden state."""
                made = self.net(pixel_values=pictures)
                pooled = getattr(made, "pooler_output", None) if whole else None
                if pooled is not None:
                    return pooled.flatten(1)
                hidden = made.last_hidden_state
                return hidden.mean(dim=1) if hidden.ndim == 3 else hidden

        return Pooled()


def _three(values: Any) -> tuple[float, float, float]:
    first, second, third = map(float, values)
    if not all(map(math.isfinite, (first, second, third))):
        raise ValueError(f"{values} are not finite")
    return first, second, third


def _sides(size: Any) -> tuple[int, int] | None:
    """(height, width) by any of the ways in which such files say it."""
    match size:
        case int(side):
            return side, side
        case [int(height), int(width)]:
            return height, width
        case {"height": int(height), "width": int(width)}:
            return height, width
        case {"shortest_edge": int(side)}:
            return side, side
    return None


NETWORKS: tuple[type[HubNetwork], ...] = (Pictures, Texts, Sounds)


def _of_hub(request: Request) -> FeatureSource:
    request.check_kind(*(one.kind for one in NETWORKS))
    name = request.name
    if find_spec("transformers") is None:
        raise BadInput(f"{request.what}: needs transformers; pip install 'easiness[transformers]'")
    network = next(one for one in NETWORKS if one.kind.name == request.data.kind.name)
    found = network(request, _place(request, name))
    _check_takes(found)
    about = (
        f"{name} through transformers ({found.config.model_type}). Its authors say what it has learned from; "
        f"it may have seen these very {found.kind.nouns}."
    )
    return found.source(about)


def _place(request: Request, name: str) -> str:
    folder = packaged_encoder() if name == ENCODER else None
    if folder is not None:
        check_encoder(request.what, folder)
        return str(folder)
    folder = at_home(name)
    return str(folder.resolve()) if folder.is_dir() else name


def _check_takes(found: HubNetwork) -> None:
    import transformers

    network = transformers.MODEL_MAPPING.get(type(found.config), None)
    taken = getattr(network, "main_input_name", None)
    if network is None or not found.takes(taken):
        nouns = found.kind.nouns
        raise BadInput(
            f"{found.request.what}: a {found.config.model_type} takes {taken or 'something else'} and no "
            f"{nouns}; give a network for {nouns}"
        )


HUB = FeatureKind("hf:NAME", _of_hub, frozen=True)
