"""``measure``: plan the trials of a run and carry them out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from easiness.analysis import FIRST_CHECK, check_text, check_trials, stopped, stopping_rule
from easiness.errors import BadInput, RunFailed
from easiness.models import ModelGiven, model_name
from easiness.regular_file import at_home
from easiness.runs.carrying_out import carry_out
from easiness.runs.heads_plan import on_features, plan_of
from easiness.runs.leak import leak_of
from easiness.runs.plan import with_recipe
from easiness.runs.progress import Progress, tracked, trackers_of
from easiness.runs.shown import progress_of, tell_of_data
from easiness.spec import (
    Check,
    CheckpointEvery,
    Compile,
    Execution,
    Featuring,
    Jobs,
    Loading,
    Precision,
    Recipe,
    Recording,
    Stopped,
    StoppingRule,
    Training,
    Trials,
    from_arguments,
    renamed,
)
from easiness.store import Run, RunWriter, check_output
from easiness.tracking import Tracker

_RELIABILITY, _MAX_TRIALS = 0.8, 100
_SECONDS_TO_WAIT = 10.0  # for another process that has the run in hand: it may be writing the same


def trials_asked(
    asked: Trials, epochs: int, tell: Callable[[str], None], *, on_features: bool = False
) -> tuple[int, UntilReliable | None]:
    """The number of trials to begin with, and for ``auto`` the object that says how many more."""
    trials: int | str = asked.trials
    if trials == "auto" and on_features:
        raise BadInput(
            "trials auto: is for trainings, which take long; with features give a number, such as 20"
        )
    if trials == "auto":
        rule = stopping_rule(
            _RELIABILITY if asked.reliability is None else asked.reliability,
            _MAX_TRIALS if asked.max_trials is None else asked.max_trials,
        )
        return FIRST_CHECK, UntilReliable(rule, epochs, tell)
    for name, value in (("reliability", asked.reliability), ("max trials", asked.max_trials)):
        if value is not None:
            raise BadInput(f"{name} {value}: needs trials auto, but {trials} trials are asked")
    try:
        return int(trials) if isinstance(trials, str) else trials, None
    except ValueError:
        raise BadInput(f"trials {trials!r}: must be a whole number, or auto") from None


class UntilReliable:
    """Says how many trials a run needs next, from the trials that it has.

    A check at n trials looks at trials 0 to n - 1 alone, after the last epoch observed in all of them, and
    names the number to check next. So the answer is the same whether a run was interrupted or not, and
    whatever else it has.
    """

    def __init__(self, rule: StoppingRule, epochs: int, tell: Callable[[str], None]) -> None:
        """A trial counts from ``epochs`` epochs on; ``tell`` is called with a line about each check."""
        self.rule = rule
        self._epochs = epochs
        self._tell = tell
        self._checks: tuple[Check, ...] = ()
        self._stopped: Stopped | None = None

    def __call__(self, run: Run) -> int | None:
        """Number of trials the run is to have, or None where it has enough or may have no more."""
        self._stopped = self._known(run)
        if self._stopped is not None:
            return None
        known, self._checks = self._checks, ()
        num: int | None = FIRST_CHECK
        while num is not None:
            part = run.first(num)
            if not self._has(part, num):
                return num
            same = (check for check in known if check.trials == num and _still_holds(check, part))
            self._checks += (next(same, None) or self._check(part),)
            self._stopped = stopped(self.rule, self._checks)
            if self._stopped is not None:
                break
            num = self._checks[-1].next
        return None

    def conclude(self, run: Run) -> Run:
        """Write into the run why it has no more trials, once it has been asked for the last time."""
        assert self._stopped is not None
        if run.document.stopped == self._stopped:
            return run
        with RunWriter(run.path, wait=_SECONDS_TO_WAIT) as writer:
            writer.conclude(self._stopped)
            writer.events.write("stopped_early", trials=len(run.trials), reason=self._stopped.sentence)
            return writer.read(run.trials)

    def _has(self, part: Run, num: int) -> bool:
        return sum(trial.epochs >= self._epochs for trial in part.trials) == num

    def _known(self, run: Run) -> Stopped | None:
        """What the run says itself, where it was asked the same of the same trials at the same length."""
        there = run.document.stopped
        if there is None or there.rule != self.rule:
            return None
        parts = [(check, run.first(check.trials)) for check in there.checks]
        same = all(self._has(part, check.trials) and _still_holds(check, part) for check, part in parts)
        return there if same else None

    def _check(self, part: Run) -> Check:
        try:
            check = check_trials(part.votes(), self.rule)
        except BadInput as error:
            raise RunFailed(
                f"{part.path}: how reliable its {len(part.trials)} trials are cannot be told ({error})"
            ) from error
        following = "" if check.next is None else f"; {check.next} trials next"
        self._tell(f"{check_text(check)}, {self.rule.reliability:g} asked{following}")
        return check


def _still_holds(check: Check, part: Run) -> bool:
    """Is the epoch of the check still the one that these trials are judged after?"""
    return part.observed[-1:] == (check.epoch,)


@renamed(compiling="compile")
def measure(
    data: Any,
    *,
    model: ModelGiven | None = None,
    trials: int | Literal["auto"] = 10,
    reliability: float | None = None,
    max_trials: int | None = None,
    epochs: int = 10,
    out: str | Path,
    seed: int = 0,
    limit: int | None = None,
    skip_unreadable: bool = False,
    data_root: str | Path | None = None,
    download: bool = False,
    allow_outside: bool = False,
    holdout: float | None = None,
    labels: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    text: str | None = None,
    sound: str | None = None,
    inputs: Sequence[str] | None = None,
    without: Sequence[str] | None = None,
    label: str | None = None,
    id: str | None = None,
    encoding: str | None = None,
    rate: int | None = None,
    cache: bool = True,
    pretrained: bool = False,
    batch_size: int | None = None,
    image_size: int | None = None,
    train_share: float = 1.0,
    device: str = "auto",
    features: Any = None,
    shares: Sequence[float] | None = None,
    group: Any = None,
    precision: Precision = "auto",
    executor: str = "auto",
    ray_address: str | None = None,
    jobs: Jobs = "auto",
    compile: Compile = "auto",
    checkpoint_every: CheckpointEvery = "auto",
    observe: str = "all",
    keep_logits: bool = False,
    keep_weights: bool = True,
    recipe: Recipe | dict[str, Any] | str | Path | None = None,
    retrain_damaged: bool = False,
    progress: Progress | bool = True,
    track: str | Tracker | Iterable[str | Tracker] | None = None,
) -> Run:
    """Train ``model`` ``trials`` times for ``epochs`` epochs and record every example after each.

    The run in the folder ``out`` only grows: what it has is read, what is missing is trained. More
    trials train the new ones alone; more epochs train every trial again at the new length, and each
    old one is kept until its replacement is whole. On a CPU a run that was interrupted ends in the bits of
    one that was not; on a GPU, where sums come in any order, its trials are others of the same kind.

    Args:
        data: a `Dataset`, or anything that `load_dataset` takes.
        model: name of a network of ours, of torchvision or (``timm:NAME``) of timm, or
            ``package.module:callable``; or what builds a new network for each trial when it is called with
            ``input_shape=(c, h, w)`` and ``num_classes=n``, of texts also ``vocabulary=m``, as far as it
            takes them: a function, a class, a ``functools.partial``, a lambda. One
            that cannot be imported from a module trains in this process
            alone, and a run of it goes on only while its source text stays as it is. Without one it is the
            network that such examples begin with (``wrn_16_4`` for pictures), or on features
            ``ridge``, of tables ``boosting``.
        trials: number of independent trainings, N; ``auto`` trains 10, then as many as they foretell to be
            needed, until the easy and the hard set are as reliable as asked; the run says why it stopped.
        reliability: for ``auto``: the shares of the true easy and hard set that the refined sets hold, as
            far as can be foretold, are to lie at or above it with their 95 % intervals; 0.8 unless given.
        max_trials: for ``auto``: the most trials; 100 unless given.
        epochs: epochs of each training, M; scores can be read at any epoch up to it.
        out: folder of the run.
        seed: of the run; the trials draw theirs from it and their index.
        limit: train on this many examples, class-balanced.
        skip_unreadable: leave out images that cannot be read, and name them; a `Dataset` has to be loaded
            that way.
        data_root: folder of a torchvision data set.
        download: let torchvision or the hub download what is not on disk.
        allow_outside: let a CSV manifest name files outside of its folder.
        holdout: hold out and observe this share of each class, where there is no held-out split.
        labels: a CSV file of ``id,label`` to train with instead of the labels of the source; examples that it
            does not name are left out.
        columns: names that a CSV manifest has for ``path``, ``label`` and ``split``, where they are others.
        text, sound: column of a table that holds the texts, or the recordings; see `load_dataset`.
        inputs: columns of a table that are the input: numbers, categories, or lists of numbers.
        without: columns of a table that are not used.
        label: column of a table that holds the labels.
        id: column of a table that holds the ids, by which all else then names the examples.
        encoding: of a CSV and of ``.txt`` files, where they are not UTF-8.
        rate: samples a second of recordings that are given as arrays.
        cache: keep photos at the working resolution in a file in the folder ``easiness-cache`` beside
            ``out``, for this run and others.
        pretrained: start from the published weights of a torchvision or timm network, where they are on
            disk, instead of from scratch.
        batch_size: examples per step, instead of the recipe's.
        image_size: side in pixels that photos are cropped to, instead of the recipe's.
        train_share: share of the examples that each trial trains on; all are observed.
        features: fit heads on features of a frozen network instead of training one:
            a name such as ``auto``, ``timm:NAME`` or ``run:RUN``, a file or an array of vectors, or a list of
            several. Heads are fitted in closed form (ridge regression), as trees beside a logistic regression
            where ``model`` is ``boosting``, or by steps where it is ``linear`` or ``mlp_H``; what elsewhere
            are epochs are the ``shares`` of the examples that they have seen.
        shares: of the examples, ascending; 1/20, 1/5 and 4/5 unless given.
        group: a column of a CSV or Parquet file, or a value for each example [K]: examples of one value (the
            patient, the film) are seen together or not at all.
        device: ``auto``, ``cpu``, ``cuda``, which spreads ``jobs`` over all GPUs, or ``mps``, Apple's.
        precision: ``auto`` is bfloat16 where the device multiplies such numbers, else float32.
        executor: where trials run: ``serial``, ``processes``, ``ray``, ``package.module:name`` for one of
            your own, or ``auto``: processes where several jobs are.
        ray_address: for ``ray``: where the cluster is; one is started on this machine unless given.
        jobs: how many trials at a time; ``auto`` is as many as cores, memory and trials allow.
        compile: ``on`` runs networks through ``torch.compile``, which takes a minute to begin with.
        checkpoint_every: minutes after which a trial that is not finished keeps how far it is, at the end of
            an epoch, so that it goes on from there; 0 is after each. ``auto`` is every two minutes where that
            takes less than a fiftieth of the time, ``off`` never.
        observe: when the examples are looked at: ``all`` after every epoch, ``every:K`` after the epochs
            K, 2K, ... and the last, ``last`` after the last alone, or ``train``: what training computes of
            its augmented images is recorded, marked as such, and no pass over them is made.
        keep_logits: keep all logits.
        keep_weights: keep the weights of each trial.
        recipe: ``short`` or ``paper``; or a `Recipe`, or changes to the paper's as a dict or a TOML file, to
            those of another recipe where ``base`` names it. A run that exists keeps its own, a new one is
            ``short`` unless given.
        retrain_damaged: train trials with a damaged file again, instead of refusing.
        progress: whether to show it: a bar on a terminal, a line in a notebook, lines on standard error
            elsewhere; or a `Progress` of your own to call.
        track: trackers of experiments to tell of the run, each trial's curves and what it came to:
            ``tensorboard:FOLDER``, ``mlflow``, ``mlflow:URI``, ``wandb``, ``wandb:PROJECT``, several of them,
            or objects with the methods of `easiness.tracking.Tracker`. One that fails is left alone from
            then on, with a line that says so.

    Raises:
        BadInput: something given cannot be used; nothing was written.
        RunFailed: some trials failed or could not be stored; the finished ones are kept.

    Warns:
        UserWarning: torch was loaded before with ``OMP_WAIT_POLICY`` unset, and several threads, which then
            spin while they wait, train in this process; said once, with what to do.
    """
    given, out = locals(), at_home(out)
    check_output(out)
    trackers = trackers_of(track)
    with progress_of(progress, measure, given) as shown, tracked(shown, trackers) as tell:
        training = with_recipe(from_arguments(Training, {**given, "model": model and model_name(model)}), out)
        featuring = from_arguments(Featuring, given)
        num_trials, until = trials_asked(
            from_arguments(Trials, given),
            epochs,
            tell.note,
            on_features=on_features(featuring, training),
        )
        plan = plan_of(
            data,
            training,
            num_trials,
            featuring=featuring,
            loading=from_arguments(Loading, given),
            recording=from_arguments(Recording, given),
            device=device,
        )
        tell_of_data(plan, tell)
        run = carry_out(
            plan,
            out,
            from_arguments(Execution, given),
            retrain_damaged=retrain_damaged,
            progress=tell,
            more=until,
        )
        run = run if until is None else until.conclude(run)
        if leak := leak_of(run, plan.data):
            tell.note(f"note: {leak}")
        tell.end(run)
        return run
