"""Addresses of clusters that are refused before Ray tries them."""

from __future__ import annotations

import socket

import pytest

from easiness.errors import BadInput
from easiness.executors.ray import connect


@pytest.mark.usefixtures("quiet_ray")
def test_an_address_where_nobody_listens_is_one_line_at_once():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(BadInput, match=rf"{address}: nobody answers \(.*refused"):
            connect(address)


@pytest.mark.usefixtures("quiet_ray")
def test_rays_client_is_refused():
    with pytest.raises(BadInput, match="ray://here:1: Ray's client"):
        connect("ray://here:1")
