"""Shared: a small measured run, a small study, the command called in this process, and what a run holds."""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

from easiness.spec import Loading
from pixels import images_of, write_noise
from starting import start as start, zygote as zygote  # fixtures of all tests

if TYPE_CHECKING:
    from easiness.paper.reproduction.presets import Preset

# Before torch is loaded, here and in every process that a test starts: with one thread each, equal trials are
# equal bit by bit wherever they run, and processes side by side share the cores instead of fighting for them.
os.environ.update(OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive")

# No test takes the power from the machine: what is synced has to be an open file, and no disk is waited for.
# Processes that start anew wait for it.
os.fsync = os.fstat  # type: ignore[assignment]

# Ctrl-C does what it does, also where whoever runs the tests in the background has it ignored
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# how long the examples of a property take is up to whatever runs beside them
settings.register_profile("untimed", settings(deadline=None, suppress_health_check=[HealthCheck.too_slow]))
settings.load_profile("untimed")

MadeOnce = Callable[[str, Callable[[Path], object]], Path]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported stays: no collection of garbage need look through it, then or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long tests first: those that are left when one process has nothing more to take are then short."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EASINESS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The user's cache of this test alone: what one measured on its machine is not what another would."""
    monkeypatch.setenv("EASINESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def quiet_ray() -> Iterator[None]:
    """For tests of Ray, whose clusters here have small stores and write nothing into the home folder."""
    pytest.importorskip("ray", reason="Ray is not installed (pip install 'easiness[ray]')")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.delenv("RAY_ADDRESS", raising=False)
        yield


@pytest.fixture
def two_threads() -> Iterator[None]:
    """For tests of what becomes of the caller's threads: of one nobody can tell."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """``made_once(name, make)``: the folder that ``make(path)`` writes; all processes of the tests read one.

    The first that asks for the name makes it, and the others wait for it.
    """
    own = tmp_path_factory.getbasetemp()
    common = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def find(name: str, make: Callable[[Path], object]) -> Path:
        place = common / "made_once" / name
        place.parent.mkdir(exist_ok=True)
        with FileLock(f"{place}.lock"):
            if not place.exists():
                aside = tmp_path_factory.mktemp(name) / name
                make(aside)
                aside.rename(place)
        return place

    return find


@pytest.fixture(scope="session")
def measured(made_once: MadeOnce) -> Path:
    """Three trials of two epochs of mlp_3 on 100 digits; read it, or change a copy (``run_copy``)."""
    from easiness import load_dataset, measure

    def make(out: Path) -> None:
        measure(
            load_dataset("digits", limit=100), model="mlp_3", trials=3, epochs=2, precision="float32", out=out
        )

    return made_once("measured", make)


@pytest.fixture
def run_copy(measured: Path, tmp_path: Path) -> Path:
    """Without what other tests may have asked it."""
    asked = shutil.ignore_patterns("answer-*", ".aside-*")
    return Path(shutil.copytree(measured, tmp_path / "run", ignore=asked))


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Finished]:
    """Calls ``easiness ARGUMENTS`` in this process."""
    from easiness.cli.main import run

    def call(*arguments: object) -> Finished:
        monkeypatch.setattr(sys, "argv", ["easiness", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            run()
        assert isinstance(ended.value.code, int)
        return Finished(ended.value.code, *capsys.readouterr())

    return call


@pytest.fixture
def refused(command: Callable[..., Finished]) -> Callable[..., str]:
    """Calls the command, makes sure that it is refused with exit code 2 and one line, and returns that."""

    def call(*arguments: object) -> str:
        finished = command(*arguments)
        assert finished.code == 2, finished
        assert finished.out == ""
        assert finished.err.endswith("\n")
        assert finished.err.startswith("easiness: error: ")
        assert len(finished.err.splitlines()) == 1, finished.err
        return finished.err

    return call


@pytest.fixture(scope="session")
def digits() -> Callable[..., list[object]]:
    """Arguments of the command that made ``measured``; a repeated option overrides the earlier one."""

    def arguments(out: Path, *options: object) -> list[object]:
        size = ["--limit", 100, "--trials", 3, "--epochs", 2]
        return [
            *["measure", "digits", "--model", "mlp_3", "--precision", "float32"],
            *[*size, *options, "--out", out],
        ]

    return arguments


@pytest.fixture(scope="session")
def contents() -> Callable[[Path], dict[int, Any]]:
    """What the trials of a run hold, bit by bit, and nothing of where and how fast they ran."""
    from easiness import open_run

    def read(path: Path) -> dict[int, Any]:
        trials = open_run(path).trials
        for trial in trials:
            trial.check()
        return {t.index: t.document.model_dump(include=_RECORDED) for t in trials}

    return read


_RECORDED = {"seed", "epochs", "files", "train_loss", "accuracy"}


@pytest.fixture(scope="session")
def snapshot() -> Callable[[Path], dict[str, tuple[int, bytes]]]:
    """Every file and folder below a path with its time of modification and its bytes."""

    def take(path: Path) -> dict[str, tuple[int, bytes]]:
        found = {}
        for parent, folders, files in os.walk(path):
            for name in [*folders, *files]:
                entry = Path(parent, name)
                content = entry.read_bytes() if entry.is_file() else b""
                found[entry.relative_to(path).as_posix()] = (entry.stat().st_mtime_ns, content)
        return found

    return take


@pytest.fixture(scope="session")
def describe_anew() -> Callable[[Path, Callable[[dict[str, Any]], object]], None]:
    """``describe_anew(run, change)``: ``run.json`` changed, and without a digest, as those of before are."""

    def describe(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
        file = run / "run.json"
        document = json.loads(file.read_bytes())
        del document["sha256"]
        change(document)
        file.write_text(json.dumps(document))

    return describe


@pytest.fixture(scope="session")
def trial_folder() -> Callable[[Path, int], Path]:
    """The folder of the trial with this index; there must be exactly one."""

    def find(run: Path, index: int) -> Path:
        (folder,) = (run / "trials").glob(f"{index:04d}-*")
        return folder

    return find


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Two class folders, cat and dog, of twelve 8 x 8 colour pictures each; dogs are brighter."""
    return write_noise(tmp_path / "pets", {"cat": 120, "dog": 256}, [(8, 8, 3)] * 12, "{:02d}.png")


@pytest.fixture(scope="session")
def tiny_preset() -> Preset:
    """Every experiment of the paper in seconds; four trials, so groups of two, and nothing decided."""
    from easiness.paper.reproduction.presets import SMOKE

    return replace(
        SMOKE,
        mlps=("mlp_2_w8",),
        cnns=("mlp_2_w16", "mlp_3_w16"),
        trials=4,
        epochs=2,
        merged_models=("mlp_2_w16",),
        merged_trials=2,
        merged_epochs=2,
        final_models=("mlp_2_w16",),
        final_trials=2,
        final_epochs=2,
        ablation_model="mlp_2_w8",
        drop_rates=(0.0, 0.6, 0.9),
        corrupt_rates=(0.0, 0.3, 0.9),
        repetitions=2,
        ablation_epochs=2,
    )


@pytest.fixture(scope="session")
def studied(tiny_preset: Preset, made_once: MadeOnce) -> Path:
    """The folder of a whole study of 150 digits; read it, or change a copy."""
    from easiness.paper.reproduction.study import finish, plan_paper

    def make(out: Path) -> None:
        finish(plan_paper(tiny_preset, loading=Loading(limit=150)), out)

    return made_once("studied", make)


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """300 digits with four in ten labels wrong and 300 held out with sound ones; and the labels that mend it.

    A tenth of the examples is dropped by these.
    """
    import numpy as np
    import pandas as pd

    from easiness import load_dataset

    folder = tmp_path_factory.mktemp("planted")
    data = load_dataset("digits", limit=600)
    images, labels = images_of(data).numpy()[:, 0], data.labels
    rng = np.random.default_rng(0)
    train = np.sort(rng.permutation(600)[:300])
    test = np.setdiff1d(np.arange(600), train)
    wrong = rng.random(300) < 0.4
    given = np.where(wrong, (labels[train] + rng.integers(1, 10, 300)) % 10, labels[train])
    source = folder / "digits.npz"
    np.savez(source, x=images[train], y=given, x_test=images[test], y_test=labels[test])
    actions = np.where(np.arange(300) % 10 == 0, "drop", np.where(wrong, "relabel", "keep"))
    table = pd.DataFrame({"id": np.arange(300), "label": labels[train], "was": given, "action": actions})
    table.to_csv(folder / "labels.csv", index=False)
    return source, folder / "labels.csv"
