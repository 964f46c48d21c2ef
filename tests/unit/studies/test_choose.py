"""What ``auto`` becomes, with the clock replaced: who is faster decides, and no process is started."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from easiness.errors import BadInput
from easiness.spec import Resolved
from easiness.studies import choose
from easiness.studies.choose import resolve_plan
from easiness.studies.plan import Plan, make_plan
from easiness.training import resolve

CPU = torch.device("cpu")
Times = dict[tuple[int, int, int], float]


def plan(trials: int = 10, epochs: int = 50, model: str = "wrn_10_1") -> Plan:
    return make_plan("digits", model=model, trials=trials, epochs=epochs, limit=500, precision="float32")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """A machine of four cores with these seconds per step and trial of one process.

    They are by (processes at work, threads of each, trials side by side in each).
    """

    def use(times: Times) -> list[Any]:
        calls: list[Any] = []

        def alone(_: object, ways: list[Resolved], __: float) -> list[float]:
            calls.append([(1, way.threads, way.together) for way in ways])
            threads[0] = ways[-1].threads  # as a real look leaves them
            return [times[1, way.threads, way.together] for way in ways]

        def beside(_: object, way: Resolved) -> float:
            calls.append((way.jobs, way.threads, way.together))
            return times[way.jobs, way.threads, way.together]

        def compile_(_: object, best: Any, __: int) -> Any:
            calls.append("compile")
            return best

        monkeypatch.setattr(choose, "_measure", alone)
        monkeypatch.setattr(choose, "_beside", beside)
        monkeypatch.setattr(choose, "_compiled", compile_)
        return calls

    threads = [4]
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads[0])
    monkeypatch.setattr(torch, "set_num_threads", lambda num: threads.__setitem__(0, num))
    # every step is large enough for all threads
    monkeypatch.setattr(sys.modules[resolve.__module__], "_FLOPS_OF_ONE_THREAD", 0.0)
    return use


def test_processes_are_taken_where_they_are_faster_at_the_same_time(clock):
    calls = clock({(1, 4, 1): 0.1, (1, 1, 1): 0.25, (4, 1, 1): 0.3, (1, 2, 1): 0.16, (2, 2, 1): 0.19})
    chosen = resolve_plan(plan(trials=20), CPU)
    assert (chosen.jobs, chosen.threads) == (4, 1)
    assert "1 process of 4 threads 100.0 ms, 4 processes of 1 thread 75.0 ms" in chosen.reason
    assert (2, 2, 1) in calls  # half as many were looked at too


def test_the_last_round_counts_in_which_some_have_nothing_to_do(clock):
    """Five trials in two rounds of four processes take as long as eight: two processes are better."""
    clock({(1, 4, 1): 0.1, (1, 1, 1): 0.25, (4, 1, 1): 0.3, (1, 2, 1): 0.13, (2, 2, 1): 0.14})
    chosen = resolve_plan(plan(trials=5), CPU)
    assert (chosen.jobs, chosen.threads) == (2, 2)
    assert "2 processes of 2 threads 84.0 ms" in chosen.reason  # three rounds for five trials


def test_one_process_stays_where_others_are_not_clearly_faster(clock):
    clock({(1, 4, 1): 0.1, (1, 1, 1): 0.3, (4, 1, 1): 0.388, (1, 2, 1): 0.16, (2, 2, 1): 0.196})
    assert resolve_plan(plan(trials=20), CPU).jobs == 1


def test_what_cannot_be_faster_is_not_started(clock):
    calls = clock({(1, 4, 1): 0.1, (1, 1, 1): 0.6, (1, 2, 1): 0.3})
    assert resolve_plan(plan(), CPU).jobs == 1
    assert not [call for call in calls if isinstance(call, tuple)]


def test_narrow_networks_of_one_thread_are_tried_on_all_cores(clock, monkeypatch):
    """A small step gets one thread by rule; the other cores are for other trials."""
    monkeypatch.setattr(sys.modules[resolve.__module__], "_FLOPS_OF_ONE_THREAD", 1e15)
    clock({(1, 1, 1): 0.1, (4, 1, 1): 0.12, (1, 2, 1): 0.09, (2, 2, 1): 0.1})
    chosen = resolve_plan(plan(trials=20), CPU)
    assert (chosen.jobs, chosen.threads) == (4, 1)


def test_there_are_no_more_processes_than_trials(clock):
    calls = clock({(1, 4, 1): 0.1, (1, 1, 1): 0.2, (1, 2, 1): 0.1, (2, 2, 1): 0.12})
    assert resolve_plan(plan(trials=2, epochs=200), CPU).jobs == 2
    assert [call for call in calls if isinstance(call, tuple)] == [(2, 2, 1)]


def test_trials_side_by_side_in_one_process(clock):
    """Networks without convolutions are tried in groups; then processes of such groups."""
    times = {(1, 4, 1): 0.1, (1, 4, 5): 0.05, (1, 4, 10): 0.07, (1, 2, 5): 0.09, (2, 2, 5): 0.06}
    clock(times)
    chosen = resolve_plan(plan(model="mlp_3"), CPU)
    assert (chosen.jobs, chosen.together, chosen.threads) == (2, 5, 2)


def test_groups_are_whole_and_known_before(clock):
    """No group of ten for five trials, none for 12, and none where trials may be added later."""
    clock({(1, 4, 1): 0.1, (1, 4, 5): 0.05, (1, 1, 1): 0.9, (1, 2, 1): 0.9})
    assert resolve_plan(plan(trials=5, model="mlp_3"), CPU).together == 5
    assert resolve_plan(plan(trials=12, model="mlp_3"), CPU).together == 1
    assert resolve_plan(plan(model="mlp_3"), CPU, may_group=False).together == 1


def test_a_group_does_not_take_the_work_of_processes_that_were_asked_for(clock):
    """Five trials as one group would leave the second process nothing to do."""
    clock({(1, 2, 1): 0.1, (1, 2, 5): 0.07})
    assert resolve_plan(plan(trials=5, model="mlp_3"), CPU, jobs=2).together == 1


def test_a_short_run_is_not_worth_a_look(clock):
    calls = clock({(1, 4, 1): 0.001})
    assert resolve_plan(plan(epochs=1), CPU).jobs == 1
    assert calls == [[(1, 4, 1)]]


def test_jobs_as_asked_share_the_cores(clock):
    calls = clock({(1, 2, 1): 0.1})
    chosen = resolve_plan(plan(), CPU, jobs=2)
    assert (chosen.jobs, chosen.threads) == (2, 2)
    assert chosen.reason.endswith("2 trials at a time, as asked")
    assert not [call for call in calls if isinstance(call, tuple)]


def test_compiled_as_asked(clock):
    clock({(1, 4, 1): 0.1, (1, 1, 1): 0.25, (4, 1, 1): 0.3, (1, 2, 1): 0.9})
    chosen = resolve_plan(plan(trials=20), CPU, compiling="on")
    assert (chosen.compiled, chosen.jobs) == (True, 4)
    assert chosen.reason.endswith("compiled, as asked")


def test_serial_means_one_at_a_time(clock):
    clock({(1, 4, 1): 0.1})
    assert resolve_plan(plan(), CPU, executor="serial").jobs == 1


@pytest.mark.parametrize(
    ("epochs", "compiling", "tried"), [(300, "auto", True), (300, "off", False), (10, "auto", False)]
)
def test_compiling_is_tried_where_the_run_is_long(clock, epochs, compiling, tried):
    calls = clock({(1, 4, 1): 1.0, (1, 1, 1): 9.0, (1, 2, 1): 9.0})
    resolve_plan(plan(epochs=epochs), CPU, compiling=compiling)
    assert ("compile" in calls) == tried


@pytest.mark.usefixtures("two_threads")
def test_really_measured_it_leaves_random_state_and_threads(monkeypatch):
    monkeypatch.setattr(choose, "_WORTH_LOOKING", 0.0)
    monkeypatch.setattr(choose, "_LOOK", 0.05)
    torch.manual_seed(3)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    monkeypatch.setattr(choose, "GROUPS", (2,))
    chosen = resolve_plan(plan(trials=2, epochs=1, model="mlp_2_w16"), CPU)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    assert "with 2 trials in each" in chosen.reason


class LooksAtValues(nn.Module):
    """Trains alone, but not under torch.func: what it does depends on a value."""

    def __init__(self, input_shape, num_classes):
        super().__init__()
        self.classifier = nn.Linear(input_shape[1] * input_shape[2], num_classes)

    def forward(self, images):
        return self.classifier(images.flatten(1)) * (1 if images.sum() > 0 else 2)


def test_a_network_that_cannot_train_beside_others_trains_alone(monkeypatch):
    monkeypatch.setattr(choose, "_WORTH_LOOKING", 0.0)
    monkeypatch.setattr(choose, "_LOOK", 0.05)
    monkeypatch.setattr(choose, "GROUPS", (2,))
    monkeypatch.setitem(sys.modules, "looks_at_values", sys.modules[__name__])
    chosen = resolve_plan(plan(trials=2, epochs=1, model="looks_at_values:LooksAtValues"), CPU)
    assert chosen.together == 1
    assert "trials in each" not in chosen.reason


def test_a_step_that_cannot_be_a_graph_is_left_out(monkeypatch):
    """A graph is captured a few steps after the first: it fails while it is warmed up, not later."""

    class Warming:
        def __init__(self, _: object, settings: Resolved) -> None:
            self.resolved = settings

        def warm_up(self) -> None:
            if self.resolved.graphed:
                raise RuntimeError("operation not permitted when stream is capturing")

        def look(self) -> float:
            return 0.25

    monkeypatch.setattr(choose, "Rehearsal", Warming)
    plain = Resolved(precision="float32", channels_last=False, threads=1)
    graphed = plain.model_copy(update={"graphed": True})
    assert choose._measure(None, [plain, graphed], 0.0) == [0.25, float("inf")]  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="capturing"):
        choose._measure(None, [graphed], 0.0)  # type: ignore[arg-type]


def test_an_unknown_choice_is_bad_input():
    with pytest.raises(BadInput, match="compile"):
        resolve_plan(plan(), CPU, compiling="sometimes")  # type: ignore[arg-type]
