"""What ``auto`` becomes, with the clock replaced: who is faster decides, and no process is started."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import nn

from easiness.errors import BadInput
from easiness.runs.auto import budget, choose, looks, search
from easiness.runs.auto.choose import resolve_plan
from easiness.runs.cost import estimate_cost
from easiness.runs.plan import Plan, make_plan
from easiness.spec import Execution, Loading, Resolved, Training
from easiness.training.auto import precision as rules
from easiness.training.auto.precision import NetworkFacts
from easiness.training.auto.rehearsal import Speed, Workload

pytestmark = pytest.mark.usefixtures("empty_cache")

CPU = torch.device("cpu")
NO_MEMORY = torch.OutOfMemoryError("out of memory")
Times = dict[tuple[int, int, int], float]
PAIR: Times = {(1, 4, 1): 0.1, (1, 1, 1): 0.25, (4, 1, 1): 0.3, (1, 2, 1): 0.16, (2, 2, 1): 0.19}


def plan(trials: int = 10, epochs: int = 50, model: str = "wrn_10_1", precision: Any = "float32") -> Plan:
    return make_plan(
        "digits",
        Training(model=model, epochs=epochs, precision=precision),
        trials,
        loading=Loading(limit=500),
    )


def speed(seconds: float) -> Speed:
    return Speed(step=seconds, observed_image=1e-9)


class Machine:
    """Four cores with these seconds per step and trial, and a clock that only a started process moves.

    ``times`` are by (processes at work, threads of each, trials side by side in each), ``factors`` by
    precision (times as long, or why it fails). ``calls`` are the looks that were taken.
    """

    def __init__(self) -> None:
        self.times: Times = {}
        self.factors: dict[str, float | Exception] = {}
        self.starting = 0.0
        self.now = 0.0
        self.threads = 4
        self.calls: list[Any] = []

    def look_at(self, _: Workload, ways: Sequence[Resolved], *__: object) -> list[Speed | Exception]:
        self.calls.append([(1, way.threads, way.together) for way in ways])
        self.threads = ways[-1].threads  # as a real look leaves them
        found: list[Speed | Exception] = []
        for way in ways:
            factor = self.factors.get(way.precision, 1.0)
            time = self.times[1, way.threads, way.together]
            found.append(factor if isinstance(factor, Exception) else speed(factor * time))
        return found

    def beside(self, _: Workload, way: Resolved, __: float, ___: int, patience: float) -> Speed:
        self.calls.append((way.jobs, way.threads, way.together))
        self.now += min(self.starting, patience)
        if self.starting > patience:
            raise TimeoutError
        return speed(self.times[way.jobs, way.threads, way.together])

    @property
    def started(self) -> list[Any]:
        return [call for call in self.calls if isinstance(call, tuple)]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(looks, "look_at", made.look_at)
    monkeypatch.setattr(search, "beside", made.beside)
    monkeypatch.setattr(choose, "Budget", lambda **most: budget.Budget(lambda: made.now, **most))
    monkeypatch.setattr(torch, "get_num_threads", lambda: made.threads)
    monkeypatch.setattr(torch, "set_num_threads", lambda num: setattr(made, "threads", num))
    # every step is large enough for all threads
    monkeypatch.setattr(rules, "_FLOPS_OF_ONE_THREAD", 0.0)
    return made


def test_processes_are_taken_where_they_are_faster_at_the_same_time(machine):
    machine.times = PAIR
    chosen = resolve_plan(plan(trials=20), CPU, Execution())
    assert (chosen.jobs, chosen.threads) == (4, 1)
    assert "1 process of 4 threads 100.0 ms, 4 processes of 1 thread 75.0 ms" in chosen.reason
    assert (2, 2, 1) in machine.calls  # half as many were looked at too


def test_the_last_round_counts_in_which_some_have_nothing_to_do(machine):
    """Five trials take two rounds of four processes, and so of three: those leave each other more."""
    machine.times = {(1, 4, 1): 0.1, (1, 1, 1): 0.25, (3, 1, 1): 0.28, (1, 2, 1): 0.13, (2, 2, 1): 0.14}
    chosen = resolve_plan(plan(trials=5, epochs=250), CPU, Execution())
    assert machine.started == [(3, 1, 1), (2, 2, 1)]
    assert (chosen.jobs, chosen.threads) == (2, 2)
    assert "3 processes of 1 thread 112.0 ms, 2 processes of 2 threads 84.0 ms" in chosen.reason


def test_one_process_stays_where_others_are_not_clearly_faster(machine):
    machine.times = {(1, 4, 1): 0.1, (1, 1, 1): 0.3, (4, 1, 1): 0.388, (1, 2, 1): 0.16, (2, 2, 1): 0.196}
    assert resolve_plan(plan(trials=20), CPU, Execution()).jobs == 1


def test_what_cannot_be_faster_is_not_started(machine):
    machine.times = {(1, 4, 1): 0.1, (1, 1, 1): 0.6, (1, 2, 1): 0.3}
    assert resolve_plan(plan(), CPU, Execution()).jobs == 1
    assert machine.started == []


def test_narrow_networks_of_one_thread_are_tried_on_all_cores(machine, monkeypatch):
    """A small step gets one thread by rule; the other cores are for other trials."""
    monkeypatch.setattr(rules, "_FLOPS_OF_ONE_THREAD", 1e15)
    machine.times = {(1, 1, 1): 0.1, (4, 1, 1): 0.12, (1, 2, 1): 0.09, (2, 2, 1): 0.1}
    chosen = resolve_plan(plan(trials=20), CPU, Execution())
    assert (chosen.jobs, chosen.threads) == (4, 1)


def test_there_are_no_more_processes_than_trials(machine):
    machine.times = {(1, 4, 1): 0.1, (1, 1, 1): 0.2, (1, 2, 1): 0.1, (2, 2, 1): 0.12}
    assert resolve_plan(plan(trials=2, epochs=250), CPU, Execution()).jobs == 2
    assert machine.started == [(2, 2, 1)]


def test_trials_side_by_side_in_one_process(machine):
    """Networks without convolutions are tried in groups; then processes of such groups."""
    machine.times = {(1, 4, 1): 0.1, (1, 4, 5): 0.05, (1, 4, 10): 0.07, (1, 2, 5): 0.09, (2, 2, 5): 0.06}
    chosen = resolve_plan(plan(model="mlp_3"), CPU, Execution())
    assert (chosen.jobs, chosen.together, chosen.threads) == (2, 5, 2)


def test_groups_are_whole_and_known_before(machine):
    """No group of ten for five trials, none for 12, and none where trials may be added later."""
    machine.times = {(1, 4, 1): 0.1, (1, 4, 5): 0.05, (1, 1, 1): 0.9, (1, 2, 1): 0.9}
    assert resolve_plan(plan(trials=5, model="mlp_3"), CPU, Execution()).together == 5
    assert resolve_plan(plan(trials=12, model="mlp_3"), CPU, Execution()).together == 1
    assert resolve_plan(plan(model="mlp_3"), CPU, Execution(), may_group=False).together == 1


def test_a_group_does_not_take_the_work_of_processes_that_were_asked_for(machine):
    """Five trials as one group would leave the second process nothing to do."""
    machine.times = {(1, 2, 1): 0.1, (1, 2, 5): 0.07}
    chosen = resolve_plan(plan(trials=5, model="mlp_3"), CPU, Execution(jobs=2))
    assert (chosen.jobs, chosen.together) == (2, 1)


def test_a_short_run_is_not_worth_a_look(machine):
    machine.times = {(1, 4, 1): 0.001}
    assert resolve_plan(plan(epochs=1), CPU, Execution()).jobs == 1
    assert machine.calls == [[(1, 4, 1)]]


def test_jobs_as_asked_share_the_cores(machine):
    machine.times = {(1, 2, 1): 0.1}
    chosen = resolve_plan(plan(), CPU, Execution(jobs=2))
    assert (chosen.jobs, chosen.threads) == (2, 2)
    assert chosen.reason.endswith("2 trials at a time, as asked")
    assert machine.started == []


def test_compiled_as_asked(machine):
    machine.times = PAIR
    chosen = resolve_plan(plan(trials=20), CPU, Execution(compile="on"))
    assert (chosen.compiled, chosen.jobs) == (True, 4)
    assert chosen.reason.endswith("compiled, as asked")


def test_auto_does_not_compile_which_takes_a_minute(machine):
    machine.times = {(1, 4, 1): 100.0, (1, 1, 1): 900.0, (1, 2, 1): 900.0}
    assert not resolve_plan(plan(epochs=300), CPU, Execution()).compiled


def test_serial_means_one_at_a_time(machine):
    machine.times = {(1, 4, 1): 0.1}
    assert resolve_plan(plan(), CPU, Execution(executor="serial")).jobs == 1


# ---- precision


@pytest.mark.parametrize(
    ("factor", "expected"), [(0.5, "bfloat16"), (0.9, "float32"), (0.8, "bfloat16"), (3.0, "float32")]
)
def test_auto_takes_bfloat16_only_where_it_pays(machine, monkeypatch, factor, expected):
    monkeypatch.setattr(rules, "multiplies_bfloat16", lambda: True)
    machine.times, machine.factors = {(1, 1, 1): 0.01, (1, 4, 1): 0.004}, {"bfloat16": factor}
    chosen = resolve_plan(plan(epochs=1, precision="auto"), CPU, Execution())
    assert (chosen.precision, chosen.threads) == (expected, 4)
    assert f"float32 10.0 ms, bfloat16 {10 * factor:.1f} ms; channels-last" in chosen.reason


def test_what_does_not_fit_in_float32_may_fit_in_bfloat16(machine, monkeypatch):
    monkeypatch.setattr(rules, "multiplies_bfloat16", lambda: True)
    machine.times, machine.factors = {(1, 1, 1): 0.01, (1, 4, 1): 0.01}, {"float32": NO_MEMORY}
    short = plan(epochs=1, precision="auto")
    chosen = resolve_plan(short, CPU, Execution())
    assert chosen.precision == "bfloat16"
    assert chosen.reason.startswith("float32 does not fit into memory; ")
    assert resolve_plan(short, CPU, Execution()) == chosen


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (NO_MEMORY, "does not fit into the memory"),
        (RuntimeError("no"), r"cannot take .*RuntimeError: no"),
    ],
)
def test_a_step_that_is_not_taken_in_any_precision_is_bad_input(machine, monkeypatch, error, text):
    monkeypatch.setattr(rules, "multiplies_bfloat16", lambda: True)
    machine.times, machine.factors = {(1, 1, 1): 0.01}, {"float32": error, "bfloat16": error}
    with pytest.raises(BadInput, match=text):
        resolve_plan(plan(epochs=1, precision="auto"), CPU, Execution())


def test_float32_that_fails_otherwise_is_not_passed_over(machine, monkeypatch):
    monkeypatch.setattr(rules, "multiplies_bfloat16", lambda: True)
    machine.times, machine.factors = {(1, 1, 1): 0.01}, {"float32": RuntimeError("broken")}
    with pytest.raises(BadInput, match="broken"):
        resolve_plan(plan(epochs=1, precision="auto"), CPU, Execution())


# ---- a GPU


@pytest.fixture
def gpu(machine, monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, bool], float | Exception]:
    """Seconds of a step by (precision, as a graph) on a GPU, or why it fails; whole batches are looked at."""
    found: dict[tuple[str, bool], float | Exception] = {}

    def look_at(seen: Workload, ways: Sequence[Resolved], _: float, part: int) -> list[Speed | Exception]:
        assert part == seen.batch
        looks = [found[way.precision, way.graphed] for way in ways]
        return [one if isinstance(one, Exception) else speed(one) for one in looks]

    facts = NetworkFacts(convolutions=True, flops=1e12, num_weights=1)
    monkeypatch.setattr(looks, "look_at", look_at)
    monkeypatch.setattr(looks, "network_facts", lambda _: facts)
    monkeypatch.setattr(looks, "device_name", lambda _: "a GPU")
    for module in (choose, looks):
        monkeypatch.setattr(module, "rehearsing", lambda _: nullcontext())
    machine.threads = 16
    return found


LAUNCHES = {("float32", False): 0.020, ("bfloat16", False): 0.021}


def test_on_a_gpu_precision_is_compared_as_graphs(gpu):
    """One by one, steps of a small network are bound by launches in either precision."""
    gpu.update({**LAUNCHES, ("float32", True): 0.010, ("bfloat16", True): 0.004})
    chosen = resolve_plan(plan(epochs=1, precision="auto"), torch.device("cuda"), Execution())
    assert (chosen.precision, chosen.graphed) == ("bfloat16", True)
    assert "float32 as CUDA graphs 10.0 ms, bfloat16 as CUDA graphs 4.0 ms" in chosen.reason


def test_where_no_step_can_be_a_graph_they_are_launched(gpu):
    failed = RuntimeError("operation not permitted when stream is capturing")
    gpu.update({**LAUNCHES, ("float32", True): failed, ("bfloat16", True): failed})
    chosen = resolve_plan(plan(epochs=1, precision="auto"), torch.device("cuda"), Execution())
    assert (chosen.precision, chosen.graphed) == ("float32", False)


def test_on_a_gpu_float32_may_not_fit(gpu):
    gpu.update({**LAUNCHES, ("float32", False): NO_MEMORY, ("float32", True): NO_MEMORY})
    gpu["bfloat16", True] = 0.03
    chosen = resolve_plan(plan(epochs=1, precision="auto"), torch.device("cuda"), Execution())
    assert (chosen.precision, chosen.graphed) == ("bfloat16", False)


def test_five_and_two_processes_share_a_gpu_for_ten_trials(machine, gpu):
    """Four would take three rounds."""
    gpu.update({("float32", False): 0.02, ("float32", True): 0.02})
    machine.times = {(5, 16, 1): 0.03, (2, 16, 1): 0.025}
    chosen = resolve_plan(plan(epochs=300), torch.device("cuda"), Execution())
    assert machine.started == [(5, 16, 1), (2, 16, 1)]
    assert chosen.jobs == 5


def test_nobody_guesses_how_well_processes_share_a_gpu(machine, gpu):
    gpu.update({("float32", False): 0.02, ("float32", True): 0.02})
    assert resolve_plan(plan(), torch.device("cuda"), Execution()).jobs == 1
    assert machine.started == []


# ---- what it may cost


def test_processes_are_not_started_for_a_run_that_is_over_soon(machine):
    """In 5 % of 80 seconds none would be ready: their speed is estimated by that of one."""
    machine.times = {(1, 4, 1): 0.1, (1, 1, 1): 0.2, (1, 2, 1): 0.16}
    chosen = resolve_plan(plan(trials=4), CPU, Execution())
    assert machine.started == []
    assert (chosen.jobs, chosen.threads) == (4, 1)
    assert "4 processes of 1 thread about 60.0 ms" in chosen.reason


def test_processes_that_do_not_start_in_time_are_given_up(machine):
    machine.times, machine.starting = PAIR, 60.0
    chosen = resolve_plan(plan(trials=20), CPU, Execution())
    assert machine.now < 10
    assert machine.started == [(4, 1, 1)]  # and no others after them
    assert "4 processes of 1 thread about 75.0 ms" in chosen.reason


@pytest.mark.parametrize(("trials", "epochs"), [(1, 50), (4, 50), (20, 50), (10, 300)])
def test_it_keeps_within_its_share_of_the_run(machine, trials, epochs):
    machine.times, machine.starting = PAIR, 4.0
    resolve_plan(plan(trials=trials, epochs=epochs), CPU, Execution())
    run_seconds = trials * epochs * 4 * 0.1
    assert machine.now <= min(10, max(1, 0.05 * run_seconds))


# ---- what is known


def test_what_was_measured_is_not_measured_again(machine, monkeypatch):
    monkeypatch.setattr(rules, "multiplies_bfloat16", lambda: True)
    machine.times, machine.factors = PAIR, {"bfloat16": 1.5}
    first = resolve_plan(plan(trials=20, precision="auto"), CPU, Execution())
    machine.calls.clear()
    assert resolve_plan(plan(trials=20, precision="auto"), CPU, Execution()) == first
    assert machine.calls == []
    spec = plan(precision="auto").spec(first, 20, 50)
    estimate_cost(spec, plan().data, 20, CPU, None)
    assert machine.calls == []


@pytest.mark.parametrize("trials", [1, 4, 20])
def test_nor_is_what_could_not_be_afforded(machine, trials):
    machine.times, machine.starting = PAIR, 60.0
    first = resolve_plan(plan(trials=trials), CPU, Execution())
    machine.calls.clear()
    assert resolve_plan(plan(trials=trials), CPU, Execution()) == first
    assert machine.calls == []


def test_a_much_longer_run_looks_at_what_a_short_one_could_not(machine):
    machine.times = PAIR
    resolve_plan(plan(trials=4), CPU, Execution())
    machine.calls.clear()
    resolve_plan(plan(trials=20), CPU, Execution())
    assert machine.started == [(4, 1, 1), (2, 2, 1)]


def test_a_choice_of_the_users_overrides_what_is_known(machine):
    machine.times = PAIR
    assert resolve_plan(plan(trials=20), CPU, Execution()).jobs == 4
    assert resolve_plan(plan(trials=20), CPU, Execution(jobs=2)).jobs == 2
    assert resolve_plan(plan(trials=20), CPU, Execution(executor="serial")).jobs == 1
    assert resolve_plan(plan(trials=20, precision="bfloat16"), CPU, Execution()).precision == "bfloat16"
    machine.calls.clear()
    assert resolve_plan(plan(trials=20), CPU, Execution()).jobs == 4
    assert machine.calls == []


def test_choosing_again_measures_and_replaces(machine):
    machine.times = PAIR
    assert resolve_plan(plan(trials=20), CPU, Execution()).jobs == 4
    machine.times = {**PAIR, (4, 1, 1): 0.9, (2, 2, 1): 0.9}
    assert resolve_plan(plan(trials=20), CPU, Execution()).jobs == 4
    assert resolve_plan(plan(trials=20), CPU, Execution(choose_again=True)).jobs == 1
    assert resolve_plan(plan(trials=20), CPU, Execution()).jobs == 1


def test_each_number_of_cores_is_another_machine(machine):
    machine.times = {**PAIR, (1, 3, 1): 0.12}
    resolve_plan(plan(trials=20), CPU, Execution())
    machine.calls.clear()
    machine.threads = 2
    machine.times = {(1, 2, 1): 0.16, (1, 1, 1): 0.25, (2, 1, 1): 0.26}
    assert resolve_plan(plan(trials=20), CPU, Execution()).threads == 1
    assert machine.calls


def test_the_cost_of_trials_at_a_time_is_by_their_speed_at_work(machine):
    machine.times = PAIR
    asked = plan(trials=20)
    chosen = resolve_plan(asked, CPU, Execution())
    cost = estimate_cost(asked.spec(chosen, 20, 50), asked.data, 20, CPU, None)
    assert cost.step_seconds == 0.3
    assert cost.seconds == pytest.approx(5 * 200 * 0.3, rel=1e-3)  # rounds of four, steps of each


# ---- really measured


@pytest.mark.usefixtures("two_threads")
def test_really_measured_it_leaves_random_state_and_threads(monkeypatch):
    monkeypatch.setattr(search, "_WORTH_LOOKING", 0.0)
    monkeypatch.setattr(search, "GROUPS", (2,))
    monkeypatch.setattr(choose, "Budget", lambda **most: budget.Budget(lambda: 0.0, **most))
    torch.manual_seed(3)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    chosen = resolve_plan(plan(trials=2, epochs=1, model="mlp_2_w16"), CPU, Execution(executor="serial"))
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
    monkeypatch.setattr(search, "_WORTH_LOOKING", 0.0)
    monkeypatch.setattr(search, "GROUPS", (2,))
    monkeypatch.setattr(choose, "Budget", lambda **most: budget.Budget(lambda: 0.0, **most))
    monkeypatch.setitem(sys.modules, "looks_at_values", sys.modules[__name__])
    asked = plan(trials=2, epochs=1, model="looks_at_values:LooksAtValues")
    chosen = resolve_plan(asked, CPU, Execution(executor="serial"))
    assert chosen.together == 1
    assert "trials in each" not in chosen.reason


def test_an_unknown_choice_is_bad_input():
    with pytest.raises(BadInput, match="compile"):
        resolve_plan(plan(), CPU, Execution(compile="sometimes"))  # type: ignore[arg-type]


def test_apples_gpu_has_one_process_and_no_graphs(gpu, machine):
    gpu.update({("float32", False): 0.1})
    found = resolve_plan(plan(trials=20, precision="auto"), torch.device("mps"), Execution())
    assert (found.jobs, found.precision) == (1, "float32")
    assert not any([found.graphed, found.channels_last, found.folded])
    assert machine.started == []
    assert resolve_plan(plan(trials=20), torch.device("mps"), Execution(jobs=2)).jobs == 2


def test_a_glance_compares_nothing_and_keeps_nothing(machine):
    machine.times = PAIR
    seen = choose.glance(plan(trials=20), CPU, Execution())
    assert seen.rough
    assert machine.calls == [[(1, 4, 1)]]  # the least that tells a speed
    assert (seen.resolved.jobs, seen.resolved.threads) == (1, 4)
    asked = plan(trials=20)
    cost = estimate_cost(asked.spec(seen.resolved, 20, 50), asked.data, 20, CPU, None, seen.looks)
    assert cost.step_seconds == 0.1
    assert choose.glance(plan(trials=20), CPU, Execution()).rough  # nothing is known since
    assert len(machine.calls) == 2


def test_a_glance_looks_at_one_precision_unless_both_are_known(machine, monkeypatch):
    monkeypatch.setattr(rules, "multiplies_bfloat16", lambda: True)
    machine.times, machine.factors = {**PAIR, (1, 1, 1): 0.3}, {"bfloat16": 0.5}
    seen = choose.glance(plan(precision="auto"), CPU, Execution())
    assert machine.calls == [[(1, 4, 1)]]
    assert (seen.resolved.precision, seen.rough) == ("float32", True)
    resolve_plan(plan(precision="auto"), CPU, Execution())
    machine.calls.clear()
    seen = choose.glance(plan(precision="auto"), CPU, Execution())
    assert machine.calls == []
    assert (seen.resolved.precision, seen.rough) == ("bfloat16", False)


def test_a_glance_at_what_is_known_is_what_is_chosen(machine):
    machine.times = PAIR
    chosen = resolve_plan(plan(trials=20), CPU, Execution())
    machine.calls.clear()
    seen = choose.glance(plan(trials=20), CPU, Execution())
    assert machine.calls == []
    assert not seen.rough
    assert seen.resolved == chosen
