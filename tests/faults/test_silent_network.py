"""Servers that take a connection and say nothing: a download ends with one line."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from easiness import load_dataset
from easiness.data.sources import torchvision_sets
from easiness.errors import RunFailed


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The address of one that the system lets connect, and that reads nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_torchvision(silent_server, tmp_path, monkeypatch):
    datasets = pytest.importorskip("torchvision").datasets
    url = f"{silent_server}/usps.bz2"
    monkeypatch.setattr(datasets.USPS, "split_list", {"train": [url, "usps.bz2", "0" * 32]})
    monkeypatch.setattr(torchvision_sets, "SECONDS_TO_WAIT", 0.2)
    before = socket.getdefaulttimeout()
    with pytest.raises(RunFailed, match=rf"usps: .*{tmp_path} \(.*timed out\)"):
        load_dataset("usps", data_root=tmp_path, download=True)
    assert socket.getdefaulttimeout() == before
