"""A trial of two gloo processes, each with its part of the examples, is that of one process."""

from __future__ import annotations

import socket
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import multiprocessing

from easiness import BadInput, Recorder
from easiness.integrations.lightning import DistributedTrial

NUM = 31  # odd: a sampler of two processes pads it
IDS, LABELS = np.arange(100, 100 + NUM), np.arange(NUM) % 3


def logits(epoch: int) -> np.ndarray:
    return np.random.default_rng(epoch).normal(size=(NUM, 3)).astype(np.float32)


def recorder(out, **options) -> Recorder:
    return Recorder(out, ids=IDS, labels=LABELS, keep_logits=True, **options)


def _train(rank: int, port: int, folder: str) -> None:
    """In a folder by what is done with duplicates each: processes take seconds to start."""
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    for duplicates in ("first", "refuse"):
        _train_with(rank, f"{folder}/{duplicates}", duplicates)
        dist.barrier()
    dist.destroy_process_group()


def _train_with(rank: int, out: str, duplicates: str) -> None:
    data = torch.utils.data.TensorDataset(torch.from_numpy(IDS))
    sampler: torch.utils.data.DistributedSampler[Any] = torch.utils.data.DistributedSampler(
        data, shuffle=True
    )
    said = ""
    try:
        with DistributedTrial(recorder(out, duplicates=duplicates), 0) as trial:
            for epoch in range(2):
                sampler.set_epoch(epoch)
                for (ids,) in torch.utils.data.DataLoader(data, 4, sampler=sampler):
                    trial.update(ids, torch.from_numpy(logits(epoch)[ids.numpy() - 100]))
                trial.end_epoch()
    except BadInput as error:
        said = str(error)
    with open(f"{out}.{rank}", "w") as file:  # noqa: PTH123
        file.write(said)


def _in_two_processes(folder) -> None:
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    multiprocessing.spawn(_train, (port, str(folder)), nprocs=2)  # type: ignore[attr-defined]


@pytest.fixture
def trained(made_once):
    """What two processes recorded, by what is done with duplicates, and what each was told."""
    folder = made_once("two_processes", _in_two_processes)
    return lambda duplicates: (
        recorder(folder / duplicates),
        [(folder / f"{duplicates}.{rank}").read_text() for rank in range(2)],
    )


@pytest.mark.long
def test_parts_are_merged_by_id_and_what_was_padded_counts_once(trained, tmp_path):
    both, said = trained("first")
    assert said == ["", ""]
    alone = recorder(tmp_path / "one")
    with alone.trial(seed=0) as trial:
        for epoch in range(2):
            trial.update(IDS, logits(epoch))
            trial.end_epoch()
    two = both.run.trials[0].observations(3)
    one = alone.run.trials[0].observations(3)
    for name in ("prediction", "loss", "margin", "error_norm", "entropy", "rival"):
        np.testing.assert_array_equal(getattr(two, name), getattr(one, name))
    assert two.logits is not None
    np.testing.assert_array_equal(two.logits.values, one.logits.values)  # type: ignore[union-attr]


@pytest.mark.long
def test_what_was_padded_is_refused_in_every_process_unless_it_was_asked_for(trained):
    both, said = trained("refuse")
    assert all("was given more than once" in one for one in said)
    assert not both.run.trials


def test_of_an_id_that_is_given_twice_the_first_counts(tmp_path):
    made = recorder(tmp_path / "run", duplicates="first")
    with made.trial(seed=0) as trial:
        trial.update(IDS, logits(0))
        trial.update(IDS[:5], logits(1)[:5])
        trial.update([100, 100], logits(1)[:2])
        trial.end_epoch()
    np.testing.assert_array_equal(made.run.trials[0].observations(3).logits.values[0], logits(0))  # type: ignore[union-attr]
    with pytest.raises(BadInput, match="duplicates 'last' is unknown"):
        recorder(tmp_path / "other", duplicates="last")
