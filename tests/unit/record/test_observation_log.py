from __future__ import annotations

import numpy as np
import pytest

from easiness.errors import BadInput, TrialFailed
from easiness.record import ObservationLog, example_statistics

IDS = np.array([10, 11, 12, 13])
LABELS = np.array([0, 1, 2, 0])
STATISTICS = ("prediction", "loss", "margin", "error_norm", "entropy", "rival")


def logits(seed: int, num: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 2, (num, 3)).astype(np.float32)


def at(*positions: int) -> np.ndarray:
    return np.array(positions, np.int64)


@pytest.fixture
def log() -> ObservationLog:
    return ObservationLog(IDS, LABELS, 3)


def test_batches_in_any_order_land_at_their_examples(log):
    first, second = logits(1), logits(2)
    log.update(at(3, 0), first[[3, 0]])
    log.update(at(2), first[[2]])
    log.update(at(1), first[[1]])
    log.end_epoch()
    log.update(at(0, 1, 2, 3), second)
    log.end_epoch()
    seen = log.observations()
    assert seen.num_epochs == log.num_epochs == 2
    for t, given in enumerate((first, second)):
        expected = example_statistics(given, LABELS)
        for name in STATISTICS:
            np.testing.assert_array_equal(getattr(seen, name)[t], getattr(expected, name))
    assert seen.trained_on.all()
    assert seen.logits is None
    assert log.last_accuracy() == np.mean(second.argmax(1) == LABELS)


def test_pending_counts_the_open_epoch(log):
    assert log.pending == 0
    log.update(at(0, 1, 2), logits(0, 3))
    assert (log.pending, log.num_epochs) == (3, 0)
    log.update(at(3), logits(0, 1))
    log.end_epoch()
    assert (log.pending, log.num_epochs) == (0, 1)


def test_ids_given_twice_are_named_with_the_epoch(log):
    log.update(at(0, 1, 2, 3), logits(0))
    log.end_epoch()
    log.update(at(0, 1, 2, 3), logits(0))
    log.update(at(2), logits(0, 1))
    with pytest.raises(BadInput, match="epoch 2: id 12 was given"):
        log.end_epoch()


def test_an_id_twice_in_one_batch_is_seen(log):
    log.update(at(0, 1, 1, 3), logits(0))
    with pytest.raises(BadInput, match="epoch 1: id 11 was given"):
        log.end_epoch()


def test_missing_ids_are_named_and_counted(log):
    log.update(at(1, 2), logits(0, 2))
    with pytest.raises(BadInput, match=r"epoch 1: 2 of 4 ids .*\(id 10, 13\)"):
        log.end_epoch()


def test_an_epoch_of_nothing_is_missing_everything():
    log = ObservationLog(np.array([f"{i}.png" for i in range(9)], object), np.zeros(9, np.int64), 2)
    with pytest.raises(BadInput, match=r"9 of 9 ids .* \(id 0.png, 1.png, 2.png and 6 more\)"):
        log.end_epoch()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_fail_the_trial(log, bad):
    log.update(at(0, 1, 2, 3), logits(0))
    log.end_epoch()
    values = logits(0, 2)
    values[1, 2] = bad
    with pytest.raises(TrialFailed, match="epoch 2: logits of id 12"):
        log.update(at(0, 2), values)


def test_kept_logits_are_those_of_the_mask():
    keep = np.array([False, True, False, True])
    log = ObservationLog(IDS, LABELS, 3, keep_logits=keep)
    given = [logits(1), logits(2)]
    for values in given:
        log.update(at(3, 1), values[[3, 1]])
        log.update(at(0, 2), values[[0, 2]])
        log.end_epoch()
    kept = log.observations().logits
    assert kept is not None
    assert kept.positions.tolist() == [1, 3]
    assert kept.values.dtype == np.float32
    np.testing.assert_array_equal(kept.values, np.stack(given)[:, [1, 3]])


def test_keeping_the_logits_of_no_example_is_an_empty_array():
    log = ObservationLog(IDS, LABELS, 3, keep_logits=np.zeros(4, np.bool_))
    log.update(at(0, 1, 2, 3), logits(1))
    log.end_epoch()
    kept = log.observations().logits
    assert kept is not None
    assert kept.values.shape == (1, 0, 3)


def test_a_log_goes_on_from_before_there_were_rivals(log):
    given = [logits(1), logits(2)]
    log.update(at(0, 1, 2, 3), given[0])
    log.end_epoch()
    before = log.state()
    of_old = {name: values for name, values in before.items() if name != "rival"}
    log.restore(of_old)
    assert set(of_old) == set(STATISTICS) - {"rival"}
    log.update(at(0, 1, 2, 3), given[1])
    log.end_epoch()
    seen = log.observations()
    assert seen.loss[0].tolist() == before["loss"][0].tolist()
    expected = np.where(seen.prediction[0] != LABELS, before["rival"][0], -1)
    assert seen.rival[0].tolist() == expected.tolist()
    assert seen.rival[1].tolist() == example_statistics(given[1], LABELS).rival.tolist()
    with pytest.raises(BadInput, match="of other examples"):
        log.restore({name: values for name, values in before.items() if name != "entropy"})


def test_observations_taken_early_do_not_change_later(log):
    log.update(at(0, 1, 2, 3), logits(1))
    log.end_epoch()
    early = log.observations()
    before = early.loss.copy()
    log.update(at(0, 1, 2, 3), logits(2))
    log.end_epoch()
    np.testing.assert_array_equal(early.loss, before)
    assert early.num_epochs == 1


def test_only_some_epochs_may_be_observed():
    log = ObservationLog(IDS, LABELS, 3, epochs=(2, 5), augmented=True)
    asked = []
    for epoch in range(1, 6):
        asked.append(log.next_epoch)
        if log.next_epoch == epoch:
            log.update(at(0, 1, 2, 3), logits(epoch))
            log.end_epoch()
    assert asked == [2, 2, 5, 5, 5]
    assert log.next_epoch == 0
    seen = log.observations()
    assert (seen.epochs, seen.num_epochs, seen.augmented) == ((2, 5), 2, True)
    assert seen.prediction.tolist() == [logits(e).argmax(1).tolist() for e in (2, 5)]
    assert [seen.row(2), seen.row(5)] == [0, 1]
    assert [seen.num_until(m) for m in range(1, 6)] == [0, 1, 1, 1, 2]


def test_every_epoch_is_observed_by_default(log):
    for seed in (1, 2):
        assert log.next_epoch == seed
        log.update(at(0, 1, 2, 3), logits(seed))
        log.end_epoch()
    assert (log.observations().epochs, log.observations().augmented) == ((1, 2), False)


def test_mistakes_name_the_true_epoch():
    log = ObservationLog(IDS, LABELS, 3, epochs=(4,))
    log.update(at(0, 1), logits(1)[[0, 1]])
    with pytest.raises(BadInput, match="epoch 4: 2 of 4 ids"):
        log.end_epoch()
