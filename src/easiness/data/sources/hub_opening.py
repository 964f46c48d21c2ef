"""Opening what the `datasets` library has in its cache, in a folder or on the hub."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from easiness.data.sources.source import absolute
from easiness.errors import BadInput, RunFailed, one_line

PREFIX = "hf:"
SAVED = ("dataset_dict.json", "state.json")
"""Files of a folder that `save_to_disk` wrote."""


def open_named(name: str, config: str | None, source: str, *, local: bool, download: bool) -> Any:
    """The `datasets.DatasetDict` or `Dataset` of a name on the hub, or of a folder at an absolute path."""
    try:
        import datasets
    except ImportError:
        raise BadInput(f"{source}: needs the datasets library; pip install 'easiness[hf]'") from None
    saved = local and any(Path(name, file).is_file() for file in SAVED)
    if saved and config is not None:
        raise BadInput(f"{source}: a folder of save_to_disk has no configurations; leave out :{config}")
    try:
        with nullcontext() if download else _offline():
            return datasets.load_from_disk(name) if saved else datasets.load_dataset(name, config)
    except Exception as error:  # whatever is wrong with the data, or on the way to them
        if download and isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
            raise RunFailed(f"{source}: it cannot be downloaded ({one_line(error)})") from error
        if not download and not local and isinstance(error, ConnectionError | FileNotFoundError):
            raise BadInput(
                f"{source}: not a folder, and not in the cache of the datasets library; use --download "
                "to fetch it"
            ) from None
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        bottom = "" if cause is error else f": {type(cause).__name__}: {one_line(cause)}"
        arguments = repr(name) if config is None else f"{name!r}, {config!r}"
        raise BadInput(
            f"{source}: datasets cannot load it ({one_line(error)}{bottom}); see that "
            f"datasets.load_dataset({arguments}) works"
        ) from None


@contextmanager
def _offline() -> Iterator[None]:
    """Without the network, and without progress bars and remarks of the libraries.

    Their own switches are set, which they look at whenever they are about to use the network.
    """
    import datasets
    import huggingface_hub

    switches: list[Any] = [datasets.config, huggingface_hub.constants]
    loggers: list[Any] = [datasets.logging, huggingface_hub.logging]
    before = [
        (module.HF_HUB_OFFLINE, logger.get_verbosity())
        for module, logger in zip(switches, loggers, strict=True)
    ]
    bars = not datasets.utils.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        for module, logger in zip(switches, loggers, strict=True):
            module.HF_HUB_OFFLINE = True
            logger.set_verbosity(logging.CRITICAL)
        yield
    finally:
        for module, logger, (offline, verbosity) in zip(switches, loggers, before, strict=True):
            module.HF_HUB_OFFLINE = offline
            logger.set_verbosity(verbosity)
        if bars:
            datasets.enable_progress_bars()


def name_and_config(text: str) -> tuple[str, str | None]:
    """The name, of a folder its absolute path, and the configuration in ``NAME[:CONFIG]``."""
    name, _, config = text.rpartition(":") if ":" in text else (text, "", "")
    if not name:
        raise BadInput(f"{PREFIX}{text}: no name of a data set; give {PREFIX}NAME or {PREFIX}NAME:CONFIG")
    folder = absolute(name)
    return str(folder) if folder.is_dir() else name, config or None
