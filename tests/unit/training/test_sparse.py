"""Training of tables with sparse gradients: by SparseAdam beside AdamW, kept and restored."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from easiness.errors import BadInput
from easiness.inputs import Signature
from easiness.inputs.text.tokens import VOCABULARY
from easiness.models import build_model
from easiness.spec import Recipe, Resolved
from easiness.training import Network, Workload, network_facts
from easiness.training.network import fitting_batch
from easiness.training.optimizer import Optimizer, sparse_parameters
from easiness.training.speed import Rehearsal

CPU = torch.device("cpu")
PLAIN = Resolved(precision="float32", channels_last=False, threads=1)


class Words(nn.Module):
    def __init__(self, *, sparse: bool) -> None:
        super().__init__()
        self.table = nn.Embedding(6, 3, sparse=sparse)
        self.classifier = nn.Linear(3, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.table(tokens).sum(1))
        return logits


def network(*, sparse: bool, w_norm: float = 0.0) -> Network:
    torch.manual_seed(0)
    recipe = Recipe(w_norm=w_norm, alpha=0.1, period=2.0)
    return Network(Words(sparse=sparse), recipe, PLAIN, CPU, num_examples=4, num_classes=2, steps_per_epoch=2)


def step(trained: Network, *tokens: int) -> None:
    trained.step(torch.tensor([[one] for one in tokens]), torch.arange(len(tokens)) % 2)


def test_where_every_row_is_seen_it_is_adam():
    sparse, dense = network(sparse=True), network(sparse=False)
    for _ in range(3):
        step(sparse, *range(6))
        step(dense, *range(6))
    for ours, theirs in zip(sparse.model.parameters(), dense.model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_rows_that_are_not_seen_stay_and_rows_have_no_weight_decay():
    trained = network(sparse=True, w_norm=10.0)
    before = {name: value.clone() for name, value in trained.weights().items()}
    step(trained, 1, 2)
    step(trained, 2, 4)
    after = trained.weights()
    moved = (after["table.weight"] != before["table.weight"]).any(1)
    assert moved.tolist() == [False, True, True, False, True, False]
    without = network(sparse=True)
    step(without, 1, 2)
    step(without, 2, 4)
    # the classifier decays, and the first step of a row is its own
    assert not torch.equal(after["classifier.weight"], without.weights()["classifier.weight"])


def test_the_rate_of_a_step_is_that_of_all():
    trained = network(sparse=True)
    trained.optimizer.advance()
    trained.optimizer.advance()
    rates = {group["lr"] for one in trained.optimizer._optimizers for group in one.param_groups}
    assert rates == {0.1 * trained.optimizer._recipe.eta(0.5)}


def test_it_goes_on_from_what_was_kept():
    whole, first = network(sparse=True), network(sparse=True)
    for trained in (whole, first):
        step(trained, 1, 2)
        step(trained, 2, 3)
    state = {name: value.clone() for name, value in first.optimizer.state().items()}
    assert set(state) == {
        "steps",
        *(f"{at}/{name}" for at in range(3) for name in ("step", "exp_avg", "exp_avg_sq")),
    }
    again = network(sparse=True)
    again.model.load_state_dict(first.weights())
    again.optimizer.check(state)
    again.optimizer.restore(state)
    step(whole, 3, 5)
    step(again, 3, 5)
    for name, value in whole.weights().items():
        assert torch.equal(value, again.weights()[name]), name
    with pytest.raises(BadInput, match="of other parameters"):
        again.optimizer.check({**state, "0/exp_avg": torch.zeros(5, 3)})


def test_a_network_of_nothing_but_a_table_trains():
    table = nn.EmbeddingBag(4, 2, sparse=True)
    optimizer = Optimizer(
        table.parameters(),
        Recipe(),
        CPU,
        num_examples=4,
        steps_per_epoch=1,
        rate_on_device=False,
        sparse=sparse_parameters(table),
    )
    before = table.weight.detach().clone()
    optimizer.advance()
    optimizer.update(table(torch.tensor([[1, 2]])).sum())
    assert (table.weight != before).any(1).tolist() == [False, True, True, False]


def workload(model: str, *, kind: str = "text") -> Workload:
    return Workload(model, Recipe(batch_size=4), (30,), 3, 4, "cpu", kind, VOCABULARY)


@pytest.mark.parametrize("model", ["bag_2", "text_cnn"])
def test_facts_and_speed_of_networks_on_tokens(model: str):
    facts = network_facts(workload(model))
    assert facts.sparse
    assert not facts.convolutions
    assert facts.num_weights == sum(
        one.numel() for one in build_model(model, workload(model).signature, 3).parameters()
    )
    rehearsal = Rehearsal(workload(model), PLAIN.model_copy(update={"folded": True}))
    rehearsal.warm_up()
    assert rehearsal.look() > 0
    assert rehearsal.observe() > 0


def test_networks_of_pictures_have_no_sparse_gradients():
    pictures = Workload("mlp_2_w4", Recipe(batch_size=4), (1, 4, 4), 3, 4, "cpu")
    assert not network_facts(pictures).sparse
    assert pictures.signature == Signature((1, 4, 4))
    assert replace(pictures, vocabulary=9).signature == Signature((1, 4, 4), "int64", 9)


def test_batches_of_tokens_are_fitted_by_tokens():
    signature = Signature((30,), "int64", VOCABULARY)
    assert fitting_batch(build_model("bag_2", signature, 2), signature, CPU) == 500
