from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from easiness.store import Run
from easiness.studies.cleaning import labels

Suspecting = Callable[..., None]


@pytest.fixture
def suspecting(monkeypatch: pytest.MonkeyPatch) -> Suspecting:
    """``suspecting({id: (suggested, p_wrong)})``: what the study of suspects says, most suspicious first."""

    def say(suspects: dict[object, tuple[int, float]], low: float = 0.01) -> None:
        def found(run: Run, *, pictures: bool, decided: object) -> SimpleNamespace:
            assert not pictures
            assert decided is None
            none = (-1, 0.0)
            suggested, p_wrong = zip(*(suspects.get(one, none) for one in run.ids.tolist()), strict=True)
            columns = {"id": run.ids, "label": run.labels, "suggested": suggested, "p_wrong": p_wrong}
            table = pd.DataFrame(columns).assign(suggested_share=1.0)
            ranked = table.iloc[np.argsort(-table["p_wrong"], kind="stable")]
            return SimpleNamespace(low=low, ranked=ranked, decided=None)

        monkeypatch.setattr(labels, "suspects", found)

    return say
