"""A cluster of several nodes, all on this machine, and executors on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from easiness.executors import Executor, Needs, make_executor

MIB = 2**20


@pytest.fixture(scope="module")
def cluster(quiet_ray: None) -> Iterator[Any]:  # noqa: ARG001
    """A head with one core, and a node with two and two GPUs that are not there; this process is in."""
    import ray
    from ray.cluster_utils import Cluster

    made = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "object_store_memory": 80 * MIB, "include_dashboard": False},
    )
    made.add_node(num_cpus=2, num_gpus=2, object_store_memory=80 * MIB)
    ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture
def executor_of(cluster: Any) -> Iterator[Callable[..., Executor]]:
    made: list[Executor] = []

    def make(jobs: int | None, needs: Needs = Needs()) -> Executor:
        made.append(make_executor("ray", jobs, needs, cluster.address))
        return made[-1]

    yield make
    for one in made:
        one.close()
