"""Data that change or go while trials train: what is in memory does not care, what is read again says so."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from easiness import measure, open_run
from easiness.errors import BadInput, RunFailed
from easiness.runs import Progress
from easiness.training import EpochReport
from lengths import long_but

ONE = ["--model", "mlp_3", "--trials", 1, "--epochs", 1, "--precision", "float32"]
SIZE = dict[str, Any](model="mlp_3", trials=3, epochs=2, precision="float32", executor="serial")


class AfterTheFirstTrial(Progress):
    """Does something to the data when a trial has been stored."""

    def __init__(self, does) -> None:
        self._does = does
        self._done = False

    def finish(self, index: int) -> None:  # noqa: ARG002
        if not self._done:
            self._done = True
            self._does()

    def epoch(self, report: EpochReport) -> None:
        pass


def harm(folder: Path, how: str) -> None:
    file = next(iter(sorted(folder.rglob("*.png"))))
    if how == "gone":
        shutil.rmtree(folder)
    elif how == "deleted":
        file.unlink()
    elif how == "damaged":
        file.write_bytes(file.read_bytes()[:-20])
    else:  # another picture of the same size
        pixels = np.asarray(Image.open(file))
        Image.fromarray(255 - pixels).save(file)


@pytest.mark.parametrize("how", long_but(["gone", "deleted", "damaged", "replaced"], ("gone",)))
def test_pictures_are_in_memory(pictures, tmp_path, contents, how):
    measure(pictures, **SIZE, out=tmp_path / "lone", progress=False)
    measure(pictures, **SIZE, out=tmp_path / "run", progress=AfterTheFirstTrial(lambda: harm(pictures, how)))
    assert contents(tmp_path / "run") == contents(tmp_path / "lone")


@pytest.mark.parametrize("how", long_but(["gone", "deleted", "damaged", "replaced"], ("replaced",)))
def test_photos_that_are_read_again(photos, tmp_path, contents, monkeypatch, how):
    """Each trial fails with a line that names the file; with the data as they were the run goes on."""
    monkeypatch.setattr("easiness.inputs.image.photos.fits", lambda _: False)
    options: dict[str, Any] = {**SIZE, "recipe": {"image_size": 32, "batch_size": 4}, "cache": False}
    measure(photos, **options, out=tmp_path / "lone", progress=False)
    shutil.copytree(photos, tmp_path / "kept")
    spoils = AfterTheFirstTrial(lambda: harm(photos, how))
    with pytest.raises(RunFailed, match="2 of 3 trials failed") as failed:
        measure(photos, **options, out=tmp_path / "run", progress=spoils)
    assert str(photos / "cat" / "0.png") in str(failed.value)
    assert "1 finished one" in str(failed.value)
    assert len(str(failed.value).splitlines()) == 1
    shutil.rmtree(photos, ignore_errors=True)
    shutil.copytree(tmp_path / "kept", photos)
    measure(photos, **options, out=tmp_path / "run", progress=False)
    assert contents(tmp_path / "run") == contents(tmp_path / "lone")


def test_a_cache_of_photos_that_goes(photos, tmp_path, contents):
    options: dict[str, Any] = {**SIZE, "recipe": {"image_size": 32, "batch_size": 4}}
    measure(photos, **options, out=tmp_path / "a" / "lone", progress=False)
    cache = tmp_path / "b" / "easiness-cache"
    spoils = AfterTheFirstTrial(lambda: shutil.rmtree(cache))
    measure(photos, **options, out=tmp_path / "b" / "run", progress=spoils)
    assert contents(tmp_path / "b" / "run") == contents(tmp_path / "a" / "lone")


def only_cache(folder: Path) -> Path:
    (cache,) = (folder / "easiness-cache").glob("*.photos")
    return cache


@pytest.mark.parametrize("jobs", long_but([1, 2], (1,)))
def test_a_cache_of_photos_that_is_cut_while_trials_train(photos, tmp_path, contents, jobs):
    """The run ends, since no trial would get over it; without the file it goes on."""
    options = {**SIZE, "recipe": {"image_size": 32, "batch_size": 4}, "executor": "serial"}
    measure(photos, **options, out=tmp_path / "lone" / "run", progress=False)
    many = {} if jobs == 1 else {"executor": "processes", "jobs": jobs}
    cut = AfterTheFirstTrial(lambda: os.truncate(only_cache(tmp_path), 5000))
    with pytest.raises(BadInput, match=r"\.photos: .*damaged"):
        measure(photos, **{**options, **many}, out=tmp_path / "run", progress=cut)
    assert 1 <= len(open_run(tmp_path / "run").trials) < 3
    only_cache(tmp_path).unlink()
    measure(photos, **options, out=tmp_path / "run", progress=False)
    assert contents(tmp_path / "run") == contents(tmp_path / "lone" / "run")
