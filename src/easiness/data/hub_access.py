"""Opening a data set with the `datasets` library, without the network unless it is asked for."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from easiness.data.decode import one_line
from easiness.errors import BadInput, RunFailed

SAVED = ("dataset_dict.json", "state.json")
"""Files of a folder that `save_to_disk` wrote."""


def open_hub(name: str, config: str | None, source: str, download: bool) -> Any:
    """The `datasets.DatasetDict` or `Dataset` of a name on the hub, or of a folder at an absolute path.

    Raises:
        BadInput: the library is missing, or the data are not there or cannot be read.
        RunFailed: the download failed.
    """
    try:
        import datasets
    except ImportError:
        raise BadInput(f"{source}: needs the datasets library; pip install 'easiness[hf]'") from None
    local = os.path.isabs(name)  # noqa: PTH117
    try:
        with _quiet(), _offline(not download or local):
            if local and any(Path(name, file).is_file() for file in SAVED):
                if config is not None:
                    raise BadInput(
                        f"{source}: a folder of save_to_disk has no configurations; leave out :{config}"
                    )
                return datasets.load_from_disk(name)
            return datasets.load_dataset(name, config)
    except BadInput:
        raise
    except (ConnectionError, FileNotFoundError) as error:
        if local:
            raise BadInput(f"{source}: not a folder that datasets can load ({one_line(error)})") from None
        if not download:
            raise BadInput(
                f"{source}: not a folder, and not in the cache of the datasets library; use --download "
                "to fetch it"
            ) from None
        if isinstance(error, FileNotFoundError):
            raise BadInput(f"{source}: {one_line(error)}") from None
        raise RunFailed(f"{source}: it cannot be downloaded ({one_line(error)})") from error
    except Exception as error:  # whatever is wrong with the data, or on the way to them
        if download and isinstance(error, OSError):
            raise RunFailed(f"{source}: it cannot be downloaded ({one_line(error)})") from error
        raise BadInput(f"{source}: datasets cannot load it ({one_line(error)})") from None


@contextmanager
def _offline(offline: bool) -> Iterator[None]:
    """The libraries' own switches, which they look at whenever they are about to use the network."""
    import datasets
    import huggingface_hub

    modules: list[Any] = [datasets.config, huggingface_hub.constants]
    before = [module.HF_HUB_OFFLINE for module in modules]
    try:
        for module, value in zip(modules, before, strict=True):
            module.HF_HUB_OFFLINE = value or offline
        yield
    finally:
        for module, value in zip(modules, before, strict=True):
            module.HF_HUB_OFFLINE = value


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's progress bars and remarks."""
    import datasets

    were_off = datasets.utils.are_progress_bars_disabled()
    verbosity = datasets.logging.get_verbosity()
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        datasets.logging.set_verbosity(verbosity)
        if not were_off:
            datasets.enable_progress_bars()
