from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from easiness.errors import BadInput
from easiness.runs.auto import looks as module
from easiness.runs.auto.looks import BESIDE, Looks, speed_of
from easiness.spec import Recipe, Resolved
from easiness.training.auto.precision import NetworkFacts
from easiness.training.auto.rehearsal import Speed, Workload

pytestmark = pytest.mark.usefixtures("empty_cache")

ONE = Resolved(precision="float32", channels_last=False, threads=1, reason="so it is")
TWO = ONE.model_copy(update={"threads": 2})
GROUP = ONE.model_copy(update={"together": 5})
FACTS = NetworkFacts(convolutions=False, flops=10.0, num_weights=7)
WORKLOAD = Workload("mlp_2_w4", Recipe(batch_size=4), (1, 4, 4), 3, 4, "cpu")


def speed(seconds: float) -> Speed:
    return Speed(step=seconds, observed_image=seconds / 100)


@pytest.fixture
def measuring(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which networks were looked into, instead of looking."""
    done: list[str] = []

    def facts(workload: Workload) -> NetworkFacts:
        done.append(workload.model)
        return FACTS

    def look_at(_: Workload, ways: list[Resolved], *__: object) -> list[Speed]:
        done.extend("look" for _ in ways)
        return [speed(0.5)] * len(ways)

    monkeypatch.setattr(module, "network_facts", facts)
    monkeypatch.setattr(module, "look_at", look_at)
    return done


def the_file(empty_cache: Path) -> Path:
    (file,) = (empty_cache / "speeds").iterdir()
    return file


def keep(workload: Workload = WORKLOAD) -> None:
    looks = Looks(workload)
    looks.keep([ONE, TWO], [speed(0.1), None])
    looks.save()


def test_what_was_compared_is_found_again():
    keep()
    looks = Looks(WORKLOAD)
    assert looks.compared([ONE, TWO]) == [speed(0.1), None]
    assert looks.compared([TWO, ONE]) == [None, speed(0.1)]
    assert looks.compared([ONE]) == [speed(0.1)]
    assert looks.compared([ONE, GROUP]) is None
    assert looks.compared([ONE.model_copy(update={"reason": "otherwise"})]) == [speed(0.1)]


def test_each_comparison_keeps_its_own_figures():
    """A choice is made by these and not by those, also when it is made the next time."""
    looks = Looks(WORKLOAD)
    for ways, seconds in (([ONE, TWO, GROUP], 0.3), ([ONE, TWO], 0.2), ([ONE], 0.1)):
        looks.keep(ways, [speed(seconds)] * len(ways))
    looks.save()
    again = Looks(WORKLOAD)
    for num, seconds in ((1, 0.1), (2, 0.2), (3, 0.3)):
        assert again.compared([ONE, TWO, GROUP][:num]) == [speed(seconds)] * num


def test_nothing_is_kept_before_it_is_saved(empty_cache):
    Looks(WORKLOAD).keep([ONE], [speed(0.1)])
    assert not empty_cache.exists()


def test_anew_nothing_is_known_and_what_is_found_replaces():
    keep()
    looks = Looks(WORKLOAD, anew=True)
    assert looks.compared([ONE]) is None
    looks.keep([ONE], [speed(0.7)])
    looks.save()
    assert Looks(WORKLOAD).compared([ONE]) == [speed(0.7)]
    assert Looks(WORKLOAD).compared([ONE, TWO]) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "mlp_2_w8"},
        {"shape": (1, 4, 5)},
        {"num_classes": 4},
        {"batch": 3},
        {"recipe": Recipe(batch_size=4, flip=0.0)},
        {"recipe": Recipe(batch_size=4, gcn=False)},
    ],
)
def test_other_work_is_not_known(changes):
    keep()
    assert Looks(Workload(**{**vars(WORKLOAD), **changes})).compared([ONE]) is None


def test_what_does_not_change_the_speed_does_not_matter():
    keep()
    recipe = Recipe(batch_size=4, alpha=0.1, period=30, translation=0.25)
    assert Looks(Workload(**{**vars(WORKLOAD), "recipe": recipe})).compared([ONE]) is not None


@pytest.mark.parametrize("what", ["processor", "torch", "cores"])
def test_machines_that_share_a_cache_are_told_apart(monkeypatch, what):
    keep()
    with monkeypatch.context() as patch:
        if what == "processor":
            patch.setattr(module, "device_name", lambda _: "another")
        elif what == "torch":
            patch.setattr(torch, "__version__", "9.9")
        else:
            patch.setattr(torch, "get_num_threads", lambda: 64)
        assert Looks(WORKLOAD).compared([ONE]) is None
        looks = Looks(WORKLOAD)
        looks.keep([ONE], [speed(9.0)])
        looks.save()
        assert Looks(WORKLOAD).compared([ONE]) == [speed(9.0)]
    assert Looks(WORKLOAD).compared([ONE]) == [speed(0.1)]


BROKEN = {
    "empty": lambda _: "",
    "cut off": lambda text: text[: len(text) // 2],
    "no table": lambda _: "[]",
    "of a later version": lambda text: text.replace('"format": 1', '"format": 2'),
    "with more in it": lambda text: text.replace('"format"', '"more": 1, "format"'),
    "impossible": lambda text: text.replace("0.1", "-0.1"),
    "infinite": lambda text: text.replace("0.1", "1e999"),
    "of something else": lambda text: text.replace("mlp_2_w4", "mlp_2_w5"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_file_that_is_broken_is_replaced(empty_cache, how):
    keep()
    file = the_file(empty_cache)
    file.write_text(BROKEN[how](file.read_text()))
    assert Looks(WORKLOAD).compared([ONE]) is None
    keep()
    assert Looks(WORKLOAD).compared([ONE]) == [speed(0.1)]


def test_a_file_whose_speeds_lack_a_way_is_replaced(empty_cache):
    keep()
    file = the_file(empty_cache)
    document = json.loads(file.read_text())
    document["comparisons"][0]["speeds"].pop()
    file.write_text(json.dumps(document))
    assert Looks(WORKLOAD).compared([ONE]) is None


def test_a_cache_that_cannot_be_written_costs_no_more_than_time(empty_cache):
    empty_cache.write_text("a file where a folder should be")
    keep()
    assert Looks(WORKLOAD).compared([ONE]) is None


def test_two_processes_may_write(empty_cache):
    """Each writes whole files: whoever reads meanwhile finds one of them."""
    keep()
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from test_looks import keep\nfor _ in range(20): keep()"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(Path(__file__).parent)], env=os.environ)
        for _ in range(2)
    ]
    while any(writer.poll() is None for writer in writers):
        assert Looks(WORKLOAD).compared([ONE, TWO]) == [speed(0.1), None]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert len(list((empty_cache / "speeds").iterdir())) == 1


def test_networks_from_the_users_code_are_known_in_this_process_alone(empty_cache, measuring):
    """Their code may be another by the next run."""
    own = Workload(**{**vars(WORKLOAD), "model": "mine:net"})
    speed_of(own, ONE)
    assert measuring == ["mine:net", "look"]
    speed_of(own, ONE)
    assert measuring == ["mine:net", "look"]
    assert not empty_cache.exists()


def test_a_speed_is_measured_once(measuring):
    assert speed_of(WORKLOAD, ONE) == (FACTS, speed(0.5))
    assert speed_of(WORKLOAD, ONE) == (FACTS, speed(0.5))
    assert measuring == ["mlp_2_w4", "look"]


@pytest.mark.usefixtures("measuring")
def test_processes_slow_each_other_down():
    two = ONE.model_copy(update={"jobs": 2})
    assert speed_of(WORKLOAD, two)[1] == speed(0.5).times(BESIDE)
    looks = Looks(WORKLOAD)
    looks.keep([ONE, two], [speed(0.5), speed(0.8)])
    looks.save()
    assert speed_of(WORKLOAD, two)[1] == speed(0.8)


@pytest.mark.usefixtures("measuring")
def test_what_trials_really_took_is_told_but_not_compared():
    looks = Looks(WORKLOAD)
    looks.keep([ONE], [speed(0.5)])
    looks.learn(ONE, speed(0.4))
    looks.learn(ONE, speed(0.3))
    looks.save()
    assert speed_of(WORKLOAD, ONE)[1] == speed(0.3)
    assert Looks(WORKLOAD).compared([ONE]) == [speed(0.5)]


def test_the_longest_look_that_was_not_long_enough_is_known():
    looks = Looks(WORKLOAD)
    assert looks.too_dear([ONE, TWO]) == 0
    looks.pass_over([ONE, TWO], 2.0)
    looks.save()
    assert Looks(WORKLOAD).too_dear([ONE, TWO]) == 2.0
    assert Looks(WORKLOAD).too_dear([ONE]) == 0


def test_a_network_that_cannot_train_is_bad_input(monkeypatch):
    monkeypatch.setattr(module, "look_at", lambda *_: [RuntimeError("no such step")])
    with pytest.raises(BadInput, match="no such step"):
        speed_of(WORKLOAD, ONE)


def test_a_pipe_in_the_place_of_what_was_kept_is_not_waited_for(empty_cache, measuring):
    keep()
    file = the_file(empty_cache)
    file.unlink()
    os.mkfifo(file)
    assert speed_of(WORKLOAD, ONE)[1] == speed(0.5)
    assert "look" in measuring
