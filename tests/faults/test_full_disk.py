"""A disk that is full, whatever is being written: one line, nothing half, and it goes on later."""

from __future__ import annotations

from pathlib import Path

import pytest

from easiness import load_dataset, open_run
from easiness.store import ASIDE
from lengths import long_but

PAGE = 4096
FULL = "No space left on device"


@pytest.fixture(scope="module")
def two(made_once) -> Path:
    """Two trials of two epochs, as `small` makes them."""
    from easiness import measure

    def make(out: Path) -> None:
        data = load_dataset("digits", limit=100)
        measure(data, model="mlp_3", trials=2, epochs=2, precision="float32", out=out)

    return made_once("two_trials", make)


def small(digits, path: Path, *options: object) -> list[object]:
    return digits(path, "--trials", 2, "--executor", "serial", *options)


def size_of(folder: Path) -> int:
    return sum(-(-file.stat().st_size // PAGE) * PAGE for file in folder.rglob("*") if file.is_file())


# of the trial that does not fit, whatever it takes: nothing of it, its observations alone, all but a page
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_while_a_trial_is_written(command, digits, disk, two, trial_folder, contents, share):
    path = disk.path / "run"
    assert command(*digits(path, "--trials", 1, "--executor", "serial")).code == 0
    needed = size_of(trial_folder(two, 1))
    disk.leave(2 * PAGE + int(share * (needed - 3 * PAGE)))
    finished = command(*small(digits, path))
    assert finished.code == 1
    line = finished.err.splitlines()[-1]
    if "run.json" not in line:
        assert line.startswith(
            f"easiness: error: {path}: trial 1 cannot be stored ({FULL}); the 1 finished ones"
        )
        assert line.endswith("are kept; make room and run it again")
    assert FULL in line
    assert not list(path.rglob(f"{ASIDE}*"))
    open_run(path).check()
    assert len(open_run(path).trials) == 1
    for name in ("status", "scores"):
        assert command(name, path).code == 0

    disk.empty()
    assert command(*small(digits, path)).code == 0
    assert contents(path) == contents(two)


@pytest.mark.parametrize("pages", [0, 1, 2])
def test_while_a_run_is_begun(command, digits, disk, two, contents, pages):
    path = disk.path / "new" / "run"
    disk.leave(pages * PAGE)
    finished = command(*small(digits, path))
    assert finished.code in (1, 2)
    assert FULL in finished.err.splitlines()[-1]
    assert str(path) in finished.err.splitlines()[-1]
    assert not list(disk.path.rglob(f"{ASIDE}*"))
    disk.empty()
    assert command(*small(digits, path)).code == 0
    assert contents(path) == contents(two)


def test_while_processes_are_given_the_images(command, digits, disk, two, contents):
    path = disk.path / "run"
    assert command(*digits(path, "--trials", 1, "--executor", "serial")).code == 0
    disk.leave(0)
    finished = command(*digits(path, "--trials", 2, "--executor", "processes", "--jobs", 2))
    assert finished.code == 1
    assert FULL in finished.err.splitlines()[-1]
    disk.empty()
    assert command(*small(digits, path)).code == 0
    assert contents(path) == contents(two)


def test_of_the_users_cache_it_costs_time_alone(command, digits, disk, two, contents, tmp_path, monkeypatch):
    monkeypatch.setenv("EASINESS_CACHE", str(disk.path / "cache"))
    disk.leave(0)
    finished = command(*small(digits, tmp_path / "run"))
    assert finished.code == 0, finished.err
    assert contents(tmp_path / "run") == contents(two)


@pytest.mark.long
def test_while_photos_are_cached(command, photos, disk, contents, tmp_path):
    def arguments(out: Path) -> list[object]:
        size = ["--image-size", 32, "--trials", 1, "--epochs", 1, "--precision", "float32", "--batch-size", 4]
        return ["measure", photos, "--model", "mlp_3", *size, "--executor", "serial", "--out", out]

    disk.leave(3 * PAGE)
    finished = command(*arguments(disk.path / "run"))
    assert finished.code == 1
    line = finished.err.splitlines()[-1]
    assert "cache of photos" in line
    assert FULL in line
    assert "use --cache off" in line
    assert not (disk.path / "run").exists()
    disk.empty()
    assert command(*arguments(disk.path / "run")).code == 0
    assert command(*arguments(tmp_path / "lone")).code == 0
    assert contents(disk.path / "run") == contents(tmp_path / "lone")


RESULTS = {
    "report": (["report"], "page.html"),
    "scores as CSV": (["scores"], "scores.csv"),
    "scores as Parquet": (["scores"], "scores.parquet"),
    "compare as a picture": (["compare"], "compare.png"),
    "export csv": (["export", "--to", "csv"], "run.csv"),
    "card": (["card"], "card"),
}


@pytest.mark.parametrize("name", long_but(RESULTS, ("scores as CSV", "export csv", "card")))
def test_while_a_result_is_written(command, measured, disk, name):
    (verb, *options), file = RESULTS[name]
    arguments = [verb, measured, *options, "-o", disk.path / file]
    old = None
    if "." in file:  # what was there stays
        assert command(*arguments).code == 0
        old = (disk.path / file).read_bytes()
    disk.leave(0)
    finished = command(*arguments)
    assert finished.code == 1, finished
    line = finished.err.splitlines()[-1]
    assert line.startswith("easiness: error: ")
    assert FULL in line
    assert str(disk.path / file) in line
    assert sorted(path.name for path in disk.path.iterdir()) == sorted(["ballast", *([file] if old else [])])
    if old:
        assert (disk.path / file).read_bytes() == old
    disk.empty()
    assert command(*arguments).code == 0
